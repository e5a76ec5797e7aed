//! Lists in an answer of device-mapper's.

/// Records that each say at `next` how far it is to the next one, which is nothing for the last.
pub(super) fn records<T>(
    data: &[u8],
    next: usize,
    least: usize,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let mut found = Vec::new();
    let mut rest = data;
    if rest.len() < least {
        return Some(found);
    }
    loop {
        found.push(read(rest)?);
        let step = u32::from_ne_bytes(*rest.get(next..)?.first_chunk()?);
        if step == 0 {
            return Some(found);
        }
        rest = rest.get(usize::try_from(step).ok()?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::header::text, *};

    fn record(step: u32, name: &str) -> Vec<u8> {
        let mut record = vec![0; 16];
        record[..4].copy_from_slice(&step.to_ne_bytes());
        record.extend(name.as_bytes());
        record.push(0);
        record.resize(32, 0);
        record
    }

    #[test]
    fn records_end_where_they_say_and_nowhere_else() {
        let names = |data: &[u8]| records(data, 0, 16, |record| Some(text(record.get(16..)?)));
        let two = [record(32, "thin"), record(0, "linear")].concat();
        assert_eq!(names(&two).unwrap(), ["thin", "linear"]);
        assert_eq!(names(&[]).unwrap(), [""; 0]);
        assert_eq!(names(&record(32, "cut")), None);
        assert_eq!(names(&record(u32::MAX, "far")), None);
    }
}
