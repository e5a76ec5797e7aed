//! Looks settings over, for `doctor`: where [`gather`](super::gather) stops at the first thing that is wrong,
//! this goes on, names each, and keeps what can be used.

use std::path::Path;

use longshore_lifecycle::Failure;

use crate::{args::Global, surroundings::Surroundings};

use super::{
    Effective, SettingsError,
    gather::{gather, read, which_files},
    key::VARIABLE_PREFIX,
    layer::Layer,
};

/// What was found in the settings.
#[derive(Debug)]
pub(crate) struct Examined {
    /// What is wrong, each thing once.
    pub(crate) problems: Vec<Failure>,
    /// Settings that are said differently in several places: which, and where each is said, the one that counts
    /// first.
    pub(crate) overridden: Vec<String>,
    /// How many settings are not as they are by default.
    pub(crate) given: usize,
    /// The settings that count; those that are as they should be, where some are not.
    pub(crate) settings: Option<Effective>,
}

/// Looks at every setting by itself.
pub(crate) fn examine(surroundings: &Surroundings, flags: &Global) -> Examined {
    let mut seen = Seen {
        surroundings,
        problems: Vec::new(),
    };
    let (paths, asked_for) = which_files(surroundings, flags);
    let mut layers = Vec::new();
    for path in &paths {
        match read(path, asked_for) {
            Ok(Some(text)) => layers.push(seen.file(path, &text)),
            Ok(None) => {}
            Err(error) => seen.note(error),
        }
    }
    layers.push(seen.environment());
    let given_by_flags = Layer::of_flags(flags);
    layers.push(seen.usable(given_by_flags));
    let mut problems = seen.problems;
    if problems.is_empty()
        && let Err(error) = gather(surroundings, flags)
    {
        problems.push(error.into());
    }
    let overridden = overridden(&layers);
    let all = layers.into_iter().fold(Layer::default(), Layer::covered_by);
    let settings = Effective::of(&all, surroundings);
    if problems.is_empty()
        && let Err(error) = &settings
    {
        problems.push(Failure::new(
            longshore_lifecycle::Class::Usage,
            "settings",
            error.to_string(),
        ));
    }
    Examined {
        problems,
        overridden,
        given: all.entries().count(),
        settings: settings.ok(),
    }
}

/// What was seen so far.
struct Seen<'a> {
    surroundings: &'a Surroundings,
    problems: Vec<Failure>,
}

impl Seen<'_> {
    fn note(&mut self, error: SettingsError) {
        let problem = Failure::from(error);
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A layer, if a host could be opened with it.
    fn usable(&mut self, layer: Result<Layer, SettingsError>) -> Layer {
        let checked = layer.and_then(|layer| {
            Effective::of(&layer, self.surroundings)?;
            Ok(layer)
        });
        checked.unwrap_or_else(|error| {
            self.note(error);
            Layer::default()
        })
    }

    fn file(&mut self, path: &Path, text: &str) -> Layer {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            // Told with the line, as the file as a whole is.
            Err(_) => return self.usable(Layer::of_file(path, text)),
        };
        let mut all = Layer::default();
        for (name, value) in table {
            let alone = toml::Table::from_iter([(name, value)]).to_string();
            let one = self.usable(Layer::of_file(path, &alone));
            all = all.covered_by(one);
        }
        all
    }

    fn environment(&mut self) -> Layer {
        let mut all = Layer::default();
        let ours = |name: &std::ffi::OsStr| {
            let name = name.to_str();
            name.is_some_and(|name| name.starts_with(VARIABLE_PREFIX))
        };
        for (name, value) in &self.surroundings.variables {
            if ours(name) {
                let alone = Surroundings {
                    variables: [(name.clone(), value.clone())].into(),
                    ..self.surroundings.clone()
                };
                let one = self.usable(Layer::of_environment(&alone));
                all = all.covered_by(one);
            }
        }
        all
    }
}

/// Settings that several layers have, and not alike.
fn overridden(layers: &[Layer]) -> Vec<String> {
    let all = layers
        .iter()
        .cloned()
        .fold(Layer::default(), Layer::covered_by);
    let mut found = Vec::new();
    for (key, text, origin) in all.entries() {
        let others = layers.iter().filter_map(|layer| layer.get(key));
        let others = others.filter(|(other, from)| *other != text && *from != origin);
        let others: Vec<_> = others.map(|(_, from)| from.to_string()).collect();
        if !others.is_empty() {
            found.push(format!("{key} from {origin} over {}", others.join(", ")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn flags(arguments: &[&str]) -> Global {
        let all = ["longshore"].iter().chain(arguments).chain(&["df"]);
        Cli::try_parse_from(all).unwrap().global
    }

    fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            variables: variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            directory: PathBuf::from("/here"),
            user_state: Some(PathBuf::from("/state")),
            ..Surroundings::default()
        }
    }

    #[test]
    fn everything_that_is_wrong_is_named_and_the_rest_counts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let text = "state_dir = \"/kept\"\nbackend = \"paper\"\nmax_retrys = 3\nvolume_size = []\n";
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let variables = [("LONGSHORE_MAX_RETRIES", "many"), ("LONGSHORE_BUKET", "x")];
        let examined = examine(&surroundings(&variables), &flags(&["--config", file]));
        let texts: Vec<_> = examined.problems.iter().map(ToString::to_string).collect();
        for part in [
            "paper",
            "max_retrys",
            "volume_size",
            "many",
            "LONGSHORE_BUKET",
        ] {
            assert!(texts.iter().any(|text| text.contains(part)), "{texts:?}");
        }
        assert_eq!(texts.len(), 5, "{texts:?}");
        let state_dir = examined.settings.unwrap().state_dir.value;
        assert_eq!(state_dir, PathBuf::from("/kept"));
    }

    #[test]
    fn what_is_wrong_only_together_is_found_too() {
        let variables = [
            ("LONGSHORE_BUCKET", "b"),
            ("LONGSHORE_SOURCE", "s3://other"),
        ];
        let examined = examine(&surroundings(&variables), &flags(&[]));
        assert_eq!(examined.problems.len(), 1, "{examined:?}");
        let homeless = Surroundings::default();
        let examined = examine(&homeless, &flags(&[]));
        assert_eq!(examined.problems.len(), 1, "{examined:?}");
        assert!(examined.settings.is_none());
    }

    #[test]
    fn what_covers_what_is_told_where_they_differ() {
        let variables = [
            ("LONGSHORE_BACKEND", "file"),
            ("LONGSHORE_REGION", "eu-west-1"),
        ];
        let found =
            |arguments: &[&str]| examine(&surroundings(&variables), &flags(arguments)).overridden;
        let covered = ["backend from --backend over LONGSHORE_BACKEND"];
        assert_eq!(found(&["--backend", "thin"]), covered);
        assert_eq!(found(&["--backend", "file"]), [""; 0]);
    }
}
