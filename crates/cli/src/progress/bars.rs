//! Progress as bars: one for each layer, and a line for what each run is at.

use std::{collections::BTreeMap, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use longshore_lifecycle::Phase;

use super::stage::Change;

const FETCHING: &str = "  {prefix:24} {wide_bar} {binary_bytes:>10}/{binary_total_bytes:<10} \
                        {binary_bytes_per_sec:>12} {eta:>4}";
const UNPACKING: &str =
    "  {prefix:24} {wide_bar} {binary_bytes:>10}/{binary_total_bytes:<10} unpacking        ";
const WORD: &str = "  {prefix:24} {msg}";
const RUN: &str = "{spinner} {prefix} {msg}";

/// A layer's image, and what its key is sorted by.
type Place = (String, usize, String);

/// Progress as bars.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    runs: BTreeMap<String, ProgressBar>,
    layers: BTreeMap<Place, ProgressBar>,
}

impl Bars {
    pub(super) fn new(all: MultiProgress) -> Self {
        Self {
            all,
            runs: BTreeMap::new(),
            layers: BTreeMap::new(),
        }
    }

    /// Draws a change.
    pub(super) fn draw(&mut self, change: &Change<'_>) {
        match change {
            Change::Step {
                subject,
                step,
                attempt,
            } => {
                let run = self.run(subject);
                run.set_message(match attempt {
                    1 => (*step).to_owned(),
                    attempt => format!("{step}, attempt {attempt}"),
                });
            }
            Change::Stage {
                image,
                key,
                phase,
                total,
            } => {
                let bar = self.layer(image, key);
                match phase {
                    Phase::Fetching => measured(bar, FETCHING, *total),
                    Phase::Unpacking => measured(bar, UNPACKING, *total),
                    Phase::Fetched => worded(bar, "fetched"),
                    Phase::Present => worded(bar, "here already"),
                    Phase::Unpacked => worded(bar, "unpacked"),
                    Phase::Reused => worded(bar, "unpacked already"),
                }
            }
            Change::Moved {
                image,
                key,
                done,
                total,
            } => {
                let bar = self.layer(image, key);
                if bar.length() != Some(*total) {
                    bar.set_length(*total);
                }
                if bar.position() == 0 && *done > 0 {
                    // What an earlier run brought must not count as speed.
                    bar.set_position(*done);
                    bar.reset_eta();
                } else {
                    bar.set_position(*done);
                }
            }
            Change::Notice(_) | Change::Nothing => {}
        }
    }

    /// Takes everything off the terminal: the result says it better.
    pub(super) fn clear(&self) {
        for bar in self.layers.values().chain(self.runs.values()) {
            bar.finish_and_clear();
        }
    }

    fn run(&mut self, subject: &str) -> &ProgressBar {
        let all = &self.all;
        self.runs.entry(subject.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new_spinner().with_prefix(subject.to_owned()));
            bar.set_style(style(RUN));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        })
    }

    /// A layer's bar; a new one goes where its key belongs, whichever layer was heard of first.
    fn layer(&mut self, image: &str, key: &str) -> &ProgressBar {
        let place = place(image, key);
        let (all, layers) = (&self.all, &self.layers);
        if !layers.contains_key(&place) {
            let bar = ProgressBar::no_length()
                .with_prefix(tail(key))
                .with_style(style(WORD));
            let bar = match layers.range(place.clone()..).next() {
                Some((_, next)) => all.insert_before(next, bar),
                None => all.add(bar),
            };
            self.layers.insert(place.clone(), bar);
        }
        &self.layers[&place]
    }
}

/// Where a layer stands among others: in a family `9.tar` is before `10.tar`.
fn place(image: &str, key: &str) -> Place {
    (image.to_owned(), key.len(), key.to_owned())
}

/// Gives a bar a length to fill.
fn measured(bar: &ProgressBar, template: &str, total: u64) {
    bar.set_style(style(template));
    bar.set_length(total);
    bar.set_position(0);
    bar.reset_eta();
}

/// Gives a bar a word to say.
fn worded(bar: &ProgressBar, word: &'static str) {
    bar.set_style(style(WORD));
    bar.set_message(word);
}

/// The end of a key that fits into the column of names: the last parts tell layers apart.
fn tail(key: &str) -> String {
    const WIDTH: usize = 24;
    let length = key.chars().count();
    if length <= WIDTH {
        return key.to_owned();
    }
    let end: String = key.chars().skip(length - (WIDTH - 1)).collect();
    format!("…{end}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants, and tested")
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressDrawTarget;

    use super::*;

    #[test]
    fn every_template_is_one() {
        for template in [FETCHING, UNPACKING, WORD, RUN] {
            style(template);
        }
    }

    #[test]
    fn names_keep_their_ends() {
        assert_eq!(tail("images/golang/1.tar"), "images/golang/1.tar");
        let long = tail("images/a-family-with-a-long-name/12.tar.gz");
        assert_eq!(long.chars().count(), 24);
        assert!(
            long.starts_with('…') && long.ends_with("/12.tar.gz"),
            "{long}"
        );
    }

    #[test]
    fn layers_stand_in_the_order_of_their_numbers() {
        let mut keys = ["i/10.tar", "i/1.tar", "i/9.tar"];
        keys.sort_by_key(|key| place("i", key));
        assert_eq!(keys, ["i/1.tar", "i/9.tar", "i/10.tar"]);
    }

    #[test]
    fn a_layer_has_one_bar_whatever_happens_to_it() {
        let mut bars = Bars::new(MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));
        for phase in [
            Phase::Fetching,
            Phase::Fetched,
            Phase::Unpacking,
            Phase::Unpacked,
        ] {
            bars.draw(&Change::Stage {
                image: "i",
                key: "i/1.tar",
                phase,
                total: 100,
            });
            bars.draw(&Change::Moved {
                image: "i",
                key: "i/1.tar",
                done: 40,
                total: 100,
            });
        }
        bars.draw(&Change::Step {
            subject: "i",
            step: "load",
            attempt: 2,
        });
        assert_eq!((bars.layers.len(), bars.runs.len()), (1, 1));
        let bar = &bars.layers[&place("i", "i/1.tar")];
        assert_eq!(
            (bar.position(), bar.length(), bar.message().as_str()),
            (40, Some(100), "unpacked")
        );
        bars.clear();
        assert!(bar.is_finished());
    }
}
