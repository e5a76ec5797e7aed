//! Of an entry of a list of extended attributes, from its first byte.
//!
//! Source: Documentation/filesystems/ext4/attributes.rst.

pub(crate) const E_NAME_INDEX: usize = 1;
pub(crate) const E_VALUE_OFFS: usize = 2;
pub(crate) const E_VALUE_INUM: usize = 4;
pub(crate) const E_VALUE_SIZE: usize = 8;
pub(crate) const E_HASH: usize = 12;

/// Bytes of an entry before its name; four zeros end the list.
pub(crate) const ENTRY: usize = 16;
pub(crate) const END: usize = 4;
/// `e_name_index` of the ACLs, which have no name beyond it.
pub(crate) const ACL_ACCESS: u8 = 2;
pub(crate) const ACL_DEFAULT: u8 = 3;
