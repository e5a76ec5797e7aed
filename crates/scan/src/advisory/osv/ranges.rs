//! The spans of versions that the events of a record stand for.

use std::cmp::Ordering;

use super::record::{Affected, Event, Span};
use crate::Scheme;
use crate::advisory::model::{End, Range};
use crate::version::compare;

pub(super) type Bounds = Range<String>;

/// The most events that are read of one range: the longest of Go's and GitHub's has some 60.
const MAX_EVENTS: usize = 10_000;

/// The spans of versions that are vulnerable.
///
/// # Errors
/// What is wrong with them.
pub(super) fn ranges(affected: &Affected, scheme: Scheme) -> Result<Vec<Bounds>, String> {
    let mut ranges = Vec::new();
    // Ranges of commits are of no use for a package that has a version.
    for span in affected.ranges.iter().filter(|span| span.kind != "GIT") {
        ranges.extend(spans(span, scheme)?);
    }
    Ok(ranges)
}

fn spans(span: &Span, scheme: Scheme) -> Result<Vec<Bounds>, String> {
    if span.events.len() > MAX_EVENTS {
        return Err(format!("a range has more than {MAX_EVENTS} events"));
    }
    let mut events: Vec<(&str, &Event)> = Vec::new();
    for event in &span.events {
        // A limit ends what a range is about, not what is vulnerable.
        if let Some(version) = version(event)? {
            events.push((version, event));
        }
    }
    // Those of one version stay in the order in which they are written; and all of them, if one cannot be
    // ordered: the entry is in doubt when it is matched.
    if events
        .iter()
        .all(|(version, _)| order(scheme, version, version).is_some())
    {
        events.sort_by(|(a, _), (b, _)| order(scheme, a, b).unwrap_or(Ordering::Equal));
    }
    let mut spans = Vec::new();
    let mut open: Option<Option<String>> = None;
    for (version, event) in events {
        let end = match event {
            Event {
                introduced: Some(_),
                ..
            } => {
                open.get_or_insert_with(|| (version != "0").then(|| version.to_owned()));
                continue;
            }
            Event { fixed: Some(_), .. } => End::Fixed(version.to_owned()),
            _ => End::LastAffected(version.to_owned()),
        };
        if let Some(introduced) = open.take() {
            spans.push(Range { introduced, end });
        }
    }
    spans.extend(open.map(|introduced| Range {
        introduced,
        end: End::Open,
    }));
    match spans.is_empty() && !span.events.is_empty() {
        true => Err("a range has no version from which on it is vulnerable".to_owned()),
        false => Ok(spans),
    }
}

fn version(event: &Event) -> Result<Option<&str>, String> {
    let versions = [&event.introduced, &event.fixed, &event.last_affected];
    let mut versions = versions.into_iter().flatten();
    match (versions.next(), versions.next()) {
        (Some(_), Some(_)) => Err("an event is two at once".to_owned()),
        (version, _) => Ok(version.map(String::as_str)),
    }
}

/// `0` stands before everything.
fn order(scheme: Scheme, a: &str, b: &str) -> Option<Ordering> {
    match (a == "0", b == "0") {
        (false, false) => compare(scheme, a, b).ok(),
        (a, b) => Some(b.cmp(&a)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(events: &str) -> Result<Vec<Bounds>, String> {
        let json = format!(r#"{{"ranges": [{{"type": "SEMVER", "events": {events}}}]}}"#);
        ranges(&serde_json::from_str(&json).unwrap(), Scheme::Semver)
    }

    fn fixed(introduced: Option<&str>, fixed: &str) -> Bounds {
        Range {
            introduced: introduced.map(str::to_owned),
            end: End::Fixed(fixed.to_owned()),
        }
    }

    #[test]
    fn events_are_sorted_into_spans() {
        assert_eq!(of(r#"[{"introduced": "0"}]"#), Ok(vec![Range::all()]));
        assert_eq!(
            of(
                r#"[{"fixed": "1.10.0"}, {"introduced": "1.9.0"}, {"introduced": "0"}, {"fixed": "1.2.0"}]"#
            ),
            Ok(vec![fixed(None, "1.2.0"), fixed(Some("1.9.0"), "1.10.0")])
        );
        assert_eq!(
            of(r#"[{"introduced": "1.0.0"}, {"last_affected": "1.0.0"}]"#),
            Ok(vec![Range {
                introduced: Some("1.0.0".to_owned()),
                end: End::LastAffected("1.0.0".to_owned()),
            }])
        );
        // Introduced twice is introduced once; fixed again and again is fixed at the first.
        assert_eq!(
            of(
                r#"[{"introduced": "0"}, {"introduced": "1.0.0"}, {"fixed": "2.0.0"}, {"fixed": "3.0.0"}]"#
            ),
            Ok(vec![fixed(None, "2.0.0")])
        );
    }

    #[test]
    fn events_stay_as_they_are_written_if_one_of_them_cannot_be_ordered() {
        // Many of them: a sort by what is no order may panic, and does so with few only by chance.
        let numbers = (0..200).map(|nth| format!("{}.0.0", nth * 7919 % 200));
        let mut events = vec![r#"{"introduced": "0"}"#.to_owned()];
        events.extend(
            numbers.map(|version| format!(r#"{{"fixed": "{version}"}}, {{"introduced": "?"}}"#)),
        );
        let spans = of(&format!("[{}]", events.join(", "))).unwrap();
        assert_eq!(spans.len(), 201);
        assert_eq!(spans[1], fixed(Some("?"), "119.0.0"));
    }

    #[test]
    fn a_limit_ends_nothing() {
        assert_eq!(
            of(r#"[{"introduced": "0"}, {"limit": "2.0.0"}]"#),
            Ok(vec![Range::all()])
        );
    }

    #[test]
    fn what_begins_nowhere_is_an_error() {
        assert!(of(r#"[{"fixed": "1.0.0"}]"#).is_err());
        assert!(of(r#"[{"introduced": "0", "fixed": "1.0.0"}]"#).is_err());
        assert_eq!(of("[]"), Ok(Vec::new()));
    }
}
