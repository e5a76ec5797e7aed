//! Every store passes the one suite.

mod memory {
    longshore_fsm::store_conformance!(longshore_fsm::testing::MemorySubject::default());
}

mod sqlite {
    longshore_fsm::store_conformance!(crate::support::SqliteSubject::new());
}
