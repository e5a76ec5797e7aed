//! Where a layer is, from events that may overlap.

use std::collections::BTreeMap;

use longshore_lifecycle::{Event, Phase};

/// A layer of an image.
pub(super) type LayerName = (String, String);

/// Where a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Its bytes come.
    Fetching,
    /// Its bytes are here.
    Here,
    /// Its entries go into the volume, and all its bytes are here.
    Unpacking,
    /// There is a volume that has it.
    Done,
}

/// What an event changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// A run is in another step.
    Step {
        subject: &'a str,
        step: &'a str,
        attempt: u32,
    },
    /// A layer is in another stage.
    Stage {
        image: &'a str,
        key: &'a str,
        phase: Phase,
        total: u64,
    },
    /// A layer is further in its stage.
    Moved {
        image: &'a str,
        key: &'a str,
        done: u64,
        total: u64,
    },
    /// There is something to say.
    Notice(&'a str),
    /// Nothing that shows.
    Nothing,
}

/// Where all layers are.
#[derive(Debug, Default)]
pub(super) struct Stages(BTreeMap<LayerName, Stage>);

impl Stages {
    /// Takes an event, and says what it changed.
    pub(super) fn take<'a>(&mut self, event: &'a Event) -> Change<'a> {
        match event {
            Event::Step {
                subject,
                step,
                attempt,
            } => {
                if *attempt > 1 {
                    // Another attempt goes through the stages again.
                    self.0
                        .retain(|(image, _), stage| image != subject || *stage == Stage::Done);
                }
                Change::Step {
                    subject,
                    step,
                    attempt: *attempt,
                }
            }
            Event::Advisories { publisher } => Change::Step {
                subject: publisher,
                step: "asking for advisories",
                attempt: 1,
            },
            Event::Notice { text } => Change::Notice(text),
            Event::Layer {
                image,
                key,
                phase,
                done,
                total,
            } => {
                let name = (image.clone(), key.clone());
                let before = self.0.get(&name).copied();
                let Some(stage) = next(before, *phase) else {
                    return Change::Nothing;
                };
                self.0.insert(name, stage);
                if before == Some(stage) {
                    Change::Moved {
                        image,
                        key,
                        done: *done,
                        total: *total,
                    }
                } else {
                    Change::Stage {
                        image,
                        key,
                        phase: *phase,
                        total: *total,
                    }
                }
            }
        }
    }
}

/// The stage that a layer is in after a phase was reported; nothing where that tells nothing new.
fn next(before: Option<Stage>, phase: Phase) -> Option<Stage> {
    let stage = match phase {
        Phase::Fetching => Stage::Fetching,
        Phase::Fetched | Phase::Present => Stage::Here,
        Phase::Unpacking => Stage::Unpacking,
        Phase::Unpacked | Phase::Reused => Stage::Done,
    };
    match before {
        // What is unpacked while it is fetched is as far as its bytes are.
        Some(Stage::Fetching) if stage == Stage::Unpacking => None,
        Some(before) if stage < before => None,
        Some(before) if stage == before && matches!(stage, Stage::Here | Stage::Done) => None,
        _ => Some(stage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(phase: Phase, done: u64) -> Event {
        Event::Layer {
            image: "i".into(),
            key: "i/1.tar".into(),
            phase,
            done,
            total: 10,
        }
    }

    fn step(attempt: u32) -> Event {
        Event::Step {
            subject: "i".into(),
            step: "load".into(),
            attempt,
        }
    }

    /// The phases that are announced, and how often something moved.
    fn announced(events: &[Event]) -> (Vec<Phase>, usize) {
        let mut stages = Stages::default();
        let mut phases = Vec::new();
        let mut moved = 0;
        for event in events {
            match stages.take(event) {
                Change::Stage { phase, .. } => phases.push(phase),
                Change::Moved { .. } => moved += 1,
                _ => {}
            }
        }
        (phases, moved)
    }

    #[test]
    fn fetching_and_unpacking_that_overlap_are_told_one_after_the_other() {
        let events = [
            layer(Phase::Fetching, 1),
            layer(Phase::Unpacking, 1),
            layer(Phase::Fetching, 5),
            layer(Phase::Unpacking, 4),
            layer(Phase::Fetched, 10),
            layer(Phase::Fetching, 10),
            layer(Phase::Unpacking, 8),
            layer(Phase::Unpacking, 10),
            layer(Phase::Unpacked, 10),
            layer(Phase::Unpacked, 10),
        ];
        let (phases, moved) = announced(&events);
        let expected = [
            Phase::Fetching,
            Phase::Fetched,
            Phase::Unpacking,
            Phase::Unpacked,
        ];
        assert_eq!((phases.as_slice(), moved), (&expected[..], 2));
    }

    #[test]
    fn another_attempt_is_told_again_but_not_what_is_done() {
        let again = [
            layer(Phase::Fetching, 1),
            step(2),
            layer(Phase::Fetching, 1),
            layer(Phase::Unpacked, 10),
            step(3),
            layer(Phase::Fetching, 1),
        ];
        let (phases, _) = announced(&again);
        assert_eq!(phases, [Phase::Fetching, Phase::Fetching, Phase::Unpacked]);
    }
}
