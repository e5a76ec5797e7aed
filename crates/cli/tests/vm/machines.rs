//! Images and machines in a pool.

use std::path::Path;

use longshore_vmtest::{Guest, Scenario};

use crate::{
    bucket::{FAMILIES, REAL},
    site::{Site, head},
};

pub(crate) const SCENARIOS: &[Scenario] = &[("families_share_their_layers", families_share)];

fn made(guest: &Guest) -> Site {
    let site = Site::fresh(guest);
    let create = site.create();
    let create: Vec<&str> = create.iter().map(String::as_str).collect();
    site.json(&create);
    site
}

fn families_share(guest: &Guest) {
    let site = made(guest);
    let fetched = site.json(&["fetch-and-create", FAMILIES[0], FAMILIES[1]]);
    eprintln!("{fetched}");
    let real = site.json(&["fetch-and-create", REAL]);
    eprintln!("{real}");
    assert!(Path::new("/dev/mapper/longshore-images-tiny").exists());
    let _ = (head("/dev/mapper/longshore-images-tiny", 16));
    site.check();
}
