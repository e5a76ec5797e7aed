//! What a record is about: one finding for each CVE, whatever its publisher calls the record.

use super::record::Record;

/// Publishers whose records are notices about several vulnerabilities, which they list as related. With all
/// others, what is related is something else.
const NOTICES: [&str; 13] = [
    "ALBA-", "ALEA-", "ALSA-", "DLA-", "DSA-", "LSN-", "RHBA-", "RHEA-", "RHSA-", "RLBA-", "RLEA-",
    "RLSA-", "USN-",
];

/// Notices of updates that mend no vulnerability, unless they name one.
const MAINTENANCE: [&str; 6] = ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) cves: Vec<String>,
    pub(super) aliases: Vec<String>,
}

/// The names of a record beside its id.
pub(super) fn names(record: &Record) -> Names {
    let is_notice = NOTICES.iter().any(|prefix| record.id.starts_with(prefix));
    let related = is_notice.then_some(&record.related);
    let all = [&record.id]
        .into_iter()
        .chain(&record.aliases)
        .chain(&record.upstream)
        .chain(related.into_iter().flatten());
    let mut names = Names {
        cves: Vec::new(),
        aliases: Vec::new(),
    };
    for name in all {
        match cve(name) {
            Some(cve) => names.cves.push(cve.to_owned()),
            None if *name != record.id => names.aliases.push(name.clone()),
            None => {}
        }
    }
    for list in [&mut names.cves, &mut names.aliases] {
        list.sort();
        list.dedup();
    }
    names
}

/// Whether a record is about an update and no vulnerability.
pub(super) fn is_maintenance(id: &str, names: &Names) -> bool {
    names.cves.is_empty() && MAINTENANCE.iter().any(|prefix| id.starts_with(prefix))
}

/// The CVE that an id is or is made of: `UBUNTU-CVE-2021-3782`.
fn cve(id: &str) -> Option<&str> {
    let at = id
        .find("CVE-")
        .filter(|at| *at == 0 || id[..*at].ends_with('-'))?;
    let (year, number) = id[at + 4..].split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (year.len() == 4 && digits(year) && digits(number)).then_some(&id[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Names {
        names(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_cve_is_found_in_the_ids_of_distributions() {
        assert_eq!(cve("CVE-2021-3782"), Some("CVE-2021-3782"));
        assert_eq!(cve("UBUNTU-CVE-2021-3782"), Some("CVE-2021-3782"));
        for none in [
            "GO-2021-1",
            "XCVE-2021-1",
            "CVE-2021",
            "CVE-21-1",
            "CVE-2021-x",
            "CVE-2021-1-1",
        ] {
            assert_eq!(cve(none), None, "{none}");
        }
    }

    #[test]
    fn a_notice_is_about_what_it_lists_and_others_are_not() {
        let notice = of(r#"{"id": "ALSA-2022:1", "related": ["CVE-2022-2", "CVE-2022-1"]}"#);
        assert_eq!(notice.cves, ["CVE-2022-1", "CVE-2022-2"]);
        let cve = of(
            r#"{"id": "UBUNTU-CVE-2022-1", "upstream": ["CVE-2022-1"], "related": ["CVE-2022-2", "USN-1"]}"#,
        );
        assert_eq!(cve.cves, ["CVE-2022-1"]);
        let ghsa =
            of(r#"{"id": "GO-2022-1", "aliases": ["GHSA-1", "CVE-2022-1"], "related": null}"#);
        assert_eq!(
            (ghsa.cves, ghsa.aliases),
            (vec!["CVE-2022-1".to_owned()], vec!["GHSA-1".to_owned()])
        );
    }

    #[test]
    fn an_update_without_a_vulnerability_is_maintenance() {
        let bug_fix = of(r#"{"id": "ALBA-2022:1"}"#);
        assert!(is_maintenance("ALBA-2022:1", &bug_fix));
        assert!(!is_maintenance("ALSA-2022:1", &bug_fix));
        let both = of(r#"{"id": "ALBA-2022:1", "related": ["CVE-2022-1"]}"#);
        assert!(!is_maintenance("ALBA-2022:1", &both));
    }
}
