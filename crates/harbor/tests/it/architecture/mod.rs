//! What the documents say of the code, held against the code.
//!
//! ARCHITECTURE.md says who may use whom, who alone may use which dependency, which words a part
//! does without and which files may be long; docs/dependencies.md says what each dependency is for.
//! Each is a table that is read here, and each must be true in both directions: what is not listed
//! may not be there, and what is listed must be there.
//!
//! Every check is a function from data to the faults it found, with a test that shows it find them.

mod dependencies;
mod documents;
mod files;
mod imports;
mod words;
mod workspace;
