//! Where settings come from, and which of them count.

use std::ffi::OsString;

use clap::Parser;
use longshore_cli::{
    Surroundings,
    args::Cli,
    settings::{Effective, SettingsError, gather},
};
use longshore_lifecycle::{Class, Failure, Limit};

use crate::place::Place;

/// The settings that count with these files, variables and flags.
fn effective(
    place: &Place,
    system: &str,
    user: &str,
    variables: &[(&str, &str)],
    flags: &[&str],
) -> Result<Effective, SettingsError> {
    for (directory, text) in [("etc", system), ("config/longshore", user)] {
        if !text.is_empty() {
            place.write(&format!("{directory}/config.toml"), text);
        }
    }
    let etc = place.path("etc").into_os_string();
    let mut surroundings = Surroundings {
        variables: [(OsString::from("CONFIGURATION_DIRECTORY"), etc)].into(),
        directory: "/here".into(),
        user_config: Some(place.path("config")),
        user_state: Some("/home/me/.local/state".into()),
        ..Surroundings::default()
    };
    for (name, value) in variables {
        surroundings.variables.insert(name.into(), value.into());
    }
    let arguments = ["longshore"].iter().chain(flags).chain(&["list"]);
    gather(
        &surroundings,
        &Cli::try_parse_from(arguments).unwrap().global,
    )
    .map(|gathered| gathered.settings)
}

#[test]
fn the_later_layer_wins() {
    let region = |layers: usize| {
        let from = |layer: usize, text: &'static str| if layers >= layer { text } else { "" };
        let flags: &[&str] = if layers >= 4 {
            &["--region", "flag-1"]
        } else {
            &[]
        };
        let settings = effective(
            &Place::new(),
            from(1, "region = 'system-1'"),
            from(2, "region = 'user-1'"),
            &[("LONGSHORE_REGION", from(3, "variable-1"))],
            flags,
        )
        .unwrap();
        let origin = settings.region.origin.to_string();
        (
            settings.region.value,
            origin.rsplit('/').take(2).collect::<Vec<_>>().join("<"),
        )
    };
    for (layers, value, origin) in [
        (0, "us-east-1", "default"),
        (1, "system-1", "config.toml<etc"),
        (2, "user-1", "config.toml<longshore"),
        (3, "variable-1", "LONGSHORE_REGION"),
        (4, "flag-1", "--region"),
    ] {
        assert_eq!(
            region(layers),
            (value.to_owned(), origin.to_owned()),
            "{layers} layers"
        );
    }
}

#[test]
fn every_setting_can_be_made_in_a_file_and_in_the_environment() {
    let file = "
        state_dir = '/srv/state'
        bucket = 'layers'
        region = 'eu-west-1'
        endpoint = 'http://127.0.0.1:9000'
        backend = 'file'
        max_file_size = '3GiB'
        max_total_size = 5000
        max_compression_ratio = 50
        max_retries = 0
        images_at_once = 2
        volume_size = '64GiB'
    ";
    let variables = [
        ("LONGSHORE_STATE_DIR", "/srv/state"),
        ("LONGSHORE_BUCKET", "layers"),
        ("LONGSHORE_REGION", "eu-west-1"),
        ("LONGSHORE_ENDPOINT", "http://127.0.0.1:9000"),
        ("LONGSHORE_BACKEND", "file"),
        ("LONGSHORE_MAX_FILE_SIZE", "3GiB"),
        ("LONGSHORE_MAX_TOTAL_SIZE", "5000"),
        ("LONGSHORE_MAX_COMPRESSION_RATIO", "50"),
        ("LONGSHORE_MAX_RETRIES", "0"),
        ("LONGSHORE_IMAGES_AT_ONCE", "2"),
        ("LONGSHORE_VOLUME_SIZE", "64GiB"),
    ];
    for settings in [
        effective(&Place::new(), "", file, &[], &[]).unwrap(),
        effective(&Place::new(), "", "", &variables, &[]).unwrap(),
    ] {
        assert_eq!(settings.state_dir.value.to_str(), Some("/srv/state"));
        assert_eq!(settings.source.value.to_string(), "s3://layers");
        assert_eq!(settings.region.value, "eu-west-1");
        assert_eq!(
            settings.endpoint.value.unwrap().to_string(),
            "http://127.0.0.1:9000"
        );
        assert_eq!(settings.backend.value.as_str(), "file");
        assert_eq!(settings.limits[&Limit::FileBytes].value, 3 << 30);
        assert_eq!(settings.limits[&Limit::ImageBytes].value, 5000);
        assert_eq!(settings.limits[&Limit::Ratio].value, 50);
        assert_eq!(settings.max_retries.value, 0);
        assert_eq!(settings.images_at_once.value.get(), 2);
        assert_eq!(settings.volume_size.value, 64 << 30);
    }
}

#[test]
fn the_defaults_are_the_promised_ones() {
    let settings = effective(&Place::new(), "", "", &[], &[]).unwrap();
    assert_eq!(
        settings.source.value.to_string(),
        "s3://flyio-platform-hiring-challenge"
    );
    assert_eq!(settings.region.value, "us-east-1");
    assert_eq!(settings.endpoint.value, None);
    assert_eq!(settings.backend.value.as_str(), "auto");
    assert_eq!(settings.limits[&Limit::FileBytes].value, 2 << 30);
    assert_eq!(settings.limits[&Limit::ImageBytes].value, 20 << 30);
    assert_eq!(settings.limits[&Limit::Ratio].value, 100);
    assert_eq!(settings.max_retries.value, 5);
    assert_eq!(settings.images_at_once.value.get(), 4);
    assert_eq!(settings.volume_size.value, 32 << 30);
}

#[test]
fn a_bucket_and_a_source_are_one_setting() {
    let place = Place::new();
    let source = |user: &str, variables: &[(&str, &str)], flags: &[&str]| {
        effective(&place, "", user, variables, flags).map(|settings| {
            (
                settings.source.value.to_string(),
                settings.source.origin.to_string(),
            )
        })
    };
    let (file, bucket) = (
        "source = 'file:///srv/b'",
        [("LONGSHORE_BUCKET", "variable")],
    );
    assert_eq!(source(file, &[], &[]).unwrap().0, "file:///srv/b");
    assert_eq!(source(file, &bucket, &[]).unwrap().0, "s3://variable");
    assert_eq!(
        source(file, &bucket, &["--source", "file://b"]).unwrap(),
        ("file:///here/b".into(), "--source".into())
    );
    for error in [
        source(file, &[], &["--source", "s3://b", "--bucket", "b"]).unwrap_err(),
        source("source = 's3://b'\nbucket = 'b'", &[], &[]).unwrap_err(),
    ] {
        assert!(
            matches!(error, SettingsError::BucketAndSource { .. }),
            "{error}"
        );
    }
}

#[test]
fn the_state_is_where_systemd_says_or_the_system_or_the_user_has_it() {
    let gathered = |root: bool, systemd: &str, user_state: Option<&str>| {
        let surroundings = Surroundings {
            variables: [("STATE_DIRECTORY".into(), systemd.into())].into(),
            root,
            user_state: user_state.map(Into::into),
            ..Surroundings::default()
        };
        let flags = Cli::try_parse_from(["longshore", "--config", "/dev/null", "list"]).unwrap();
        gather(&surroundings, &flags.global).map(|gathered| gathered.settings.state_dir.value)
    };
    let state = |root, systemd, user| gathered(root, systemd, user).unwrap();
    assert_eq!(state(true, "", None).to_str(), Some("/var/lib/longshore"));
    assert_eq!(
        state(false, "", Some("/h/.local/state")).to_str(),
        Some("/h/.local/state/longshore")
    );
    assert_eq!(
        state(true, "/var/lib/a:/var/lib/b", None).to_str(),
        Some("/var/lib/a")
    );
    assert!(matches!(
        gathered(false, "", None),
        Err(SettingsError::NoHome)
    ));
}

#[test]
fn what_is_unknown_is_an_error_with_what_was_meant() {
    let error = effective(&Place::new(), "", "max_file_sise = '1GiB'", &[], &[]).unwrap_err();
    assert!(matches!(&error, SettingsError::UnknownKey { key, .. } if key == "max_file_sise"));
    let failure = Failure::from(error);
    assert_eq!(failure.class, Class::Usage);
    assert_eq!(failure.hint.as_deref(), Some("did you mean max_file_size?"));

    let variables = [("LONGSHORE_BUKCET", "b")];
    let error = effective(&Place::new(), "", "", &variables, &[]).unwrap_err();
    assert!(
        matches!(&error, SettingsError::UnknownVariable { name, .. } if name == "LONGSHORE_BUKCET")
    );
    let failure = Failure::from(error);
    assert_eq!(
        failure.hint.as_deref(),
        Some("did you mean LONGSHORE_BUCKET?")
    );

    let tests_own = [("LONGSHORE_TEST_BLESS", "1")];
    effective(&Place::new(), "", "", &tests_own, &[]).unwrap();
}

#[test]
fn a_value_that_a_setting_cannot_have_is_an_error_that_says_where() {
    for (user, variable, words) in [
        (
            "max_retries = 'many'",
            ("", ""),
            ["max_retries", "config.toml", "\"many\""],
        ),
        (
            "images_at_once = 0",
            ("", ""),
            ["images_at_once", "config.toml", "\"0\""],
        ),
        (
            "max_retries = 1.5",
            ("", ""),
            ["max_retries", "config.toml", "float"],
        ),
        ("region = [", ("", ""), ["config.toml", "not TOML", ""]),
        (
            "state_dir = 'here'",
            ("", ""),
            ["state_dir", "config.toml", "\"here\""],
        ),
        (
            "",
            ("LONGSHORE_BACKEND", "thick"),
            ["backend", "LONGSHORE_BACKEND", "\"thick\""],
        ),
        (
            "",
            ("LONGSHORE_MAX_FILE_SIZE", "2G"),
            ["max_file_size", "\"2G\"", "SIZE"],
        ),
        (
            "",
            ("LONGSHORE_ENDPOINT", "host:9000"),
            ["endpoint", "LONGSHORE_ENDPOINT", ""],
        ),
        (
            "",
            ("LONGSHORE_BUCKET", "a/b"),
            ["bucket", "LONGSHORE_BUCKET", "a/b"],
        ),
    ] {
        let variables = if variable.0.is_empty() {
            vec![]
        } else {
            vec![variable]
        };
        let error = effective(&Place::new(), "", user, &variables, &[]).unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.class, Class::Usage);
        let text = failure.to_string();
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
    }
}

#[test]
fn a_file_that_was_asked_for_takes_the_place_of_both_and_must_be_there() {
    let place = Place::new();
    let named = place.write("mine.toml", "max_retries = 7");
    let flags = ["--config", named.to_str().unwrap()];
    let broken = "this is no setting";
    let settings = effective(&place, broken, broken, &[], &flags).unwrap();
    assert_eq!(settings.max_retries.value, 7);
    let by_variable = [("LONGSHORE_CONFIG", named.to_str().unwrap())];
    assert_eq!(
        effective(&place, broken, "", &by_variable, &[])
            .unwrap()
            .max_retries
            .value,
        7
    );
    let error = effective(&place, "", "", &[], &["--config", "/nowhere.toml"]).unwrap_err();
    assert!(matches!(error, SettingsError::Read { .. }), "{error}");
}

#[test]
fn config_show_tells_each_value_with_its_origin() {
    let place = Place::new();
    place.write("etc/config.toml", "max_file_size = '1GiB'");
    let mut command = place.longshore(["--bucket", "layers", "config", "-o", "json"]);
    let output = command.env("LONGSHORE_MAX_RETRIES", "2").output().unwrap();
    let shown = crate::place::Ended::of(output).expect(0).json();
    assert_eq!(shown["schema"], 1);
    let setting = |name: &str| {
        let row = &shown["settings"][name];
        (
            row["value"].clone(),
            row["origin"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(
        setting("source"),
        ("s3://layers".into(), "--bucket".to_owned())
    );
    assert_eq!(
        setting("max_retries"),
        (2.into(), "LONGSHORE_MAX_RETRIES".to_owned())
    );
    assert_eq!(setting("state_dir").1, "STATE_DIRECTORY");
    assert_eq!(
        setting("region"),
        ("us-east-1".into(), "default".to_owned())
    );
    let (size, origin) = setting("max_file_size");
    assert_eq!(size, 1 << 30);
    assert!(origin.ends_with("etc/config.toml"), "{origin}");

    let table = place.run(&["config", "show"]).expect(0).out;
    assert!(table.starts_with("SETTING "), "{table}");
    assert!(table.contains("1073741824 (1 GiB)"), "{table}");
}

#[test]
fn config_path_names_files_that_cannot_be_read() {
    let place = Place::new();
    let broken = place.write("etc/config.toml", "this is no setting");
    place.run(&["config", "show"]).expect(2);
    let paths = place.run(&["config", "path", "-q"]).expect(0).out;
    assert_eq!(paths.lines().next(), broken.to_str());
    assert!(paths.ends_with("config/longshore/config.toml\n"), "{paths}");
}
