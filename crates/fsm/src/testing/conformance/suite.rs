//! A test of each check, for one subject.

/// Makes a test of each check for the subject that the expression makes: a fresh, empty store.
#[macro_export]
macro_rules! store_conformance {
    ($subject:expr) => {
        $crate::store_conformance!(@each $subject;
            runs_are_numbered_from_one_and_come_back_newest_first
            ids_are_compared_byte_by_byte
            one_run_of_a_name_and_id_is_active
            an_ended_run_makes_room_and_takes_no_more
            events_come_back_as_they_went_in
            a_batch_that_does_not_follow_the_last_event_is_fenced
            a_write_of_a_superseded_attempt_is_fenced
            a_refused_write_takes_its_events_with_it
            a_write_that_panics_is_refused
            writes_and_events_survive_reopening
            a_filter_passes_what_it_says
            a_closed_store_refuses
            a_batch_is_stored_though_nobody_waits_for_it
            a_refused_batch_leaves_its_neighbours_alone
            an_idempotency_key_is_used_once
            runs_are_found_by_what_they_belong_to
            what_ended_is_forgotten_by_age_and_by_count
            what_an_active_run_needs_is_not_forgotten
        );
    };
    (@each $subject:expr; $($check:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                $crate::testing::conformance::$check($subject).await;
            }
        )*
    };
}
