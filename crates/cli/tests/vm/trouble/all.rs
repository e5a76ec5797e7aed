//! Every trouble, by its name.

use longshore_vmtest::Scenario;

use super::{damaged, doctor, failing, files, full, lost, moved};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("a_full_pool_is_given_room", full::a_full_pool_is_given_room),
    (
        "one_that_grows_lets_writes_wait",
        full::one_that_grows_lets_writes_wait,
    ),
    ("metadata_is_full", full::metadata_is_full),
    ("the_host_is_full", full::the_host_is_full),
    (
        "what_is_free_is_given_back",
        full::what_is_free_is_given_back,
    ),
    (
        "damaged_metadata_is_written_anew",
        damaged::damaged_metadata_is_written_anew,
    ),
    (
        "what_is_lost_is_said_first",
        damaged::what_is_lost_is_said_first,
    ),
    ("its_first_block_is_gone", damaged::its_first_block_is_gone),
    (
        "doctor_finds_and_puts_right",
        doctor::doctor_finds_and_puts_right,
    ),
    ("the_database_is_lost", lost::the_database_is_lost),
    (
        "a_disk_that_was_being_made",
        lost::a_disk_that_was_being_made,
    ),
    (
        "devices_that_were_half_made",
        doctor::devices_that_were_half_made,
    ),
    (
        "metadata_that_cannot_be_written",
        failing::metadata_that_cannot_be_written,
    ),
    (
        "metadata_that_can_only_be_read",
        failing::metadata_that_can_only_be_read,
    ),
    (
        "writes_that_never_arrive",
        failing::writes_that_never_arrive,
    ),
    (
        "writes_that_arrive_otherwise",
        failing::writes_that_arrive_otherwise,
    ),
    (
        "data_that_cannot_be_written",
        failing::data_that_cannot_be_written,
    ),
    (
        "data_that_cannot_be_read",
        failing::data_that_cannot_be_read,
    ),
    (
        "a_file_is_removed_under_it",
        files::a_file_is_removed_under_it,
    ),
    ("a_file_is_unlinked", files::a_file_is_unlinked),
    ("loops_are_dropped", files::loops_are_dropped),
    ("it_moves_to_another_disk", moved::it_moves_to_another_disk),
    (
        "devices_are_as_good_as_files",
        moved::devices_are_as_good_as_files,
    ),
];
