//! The families golang and node of a bucket of the whole size, in a pool: only in a soak that names such a bucket.

use longshore_vmtest::{Guest, Scenario};

use crate::{
    bucket::{FAMILIES, WHOLE},
    machines::assert_as_in_files,
    site::{Site, run},
};

pub(crate) const SCENARIOS: &[Scenario] = &[("golang_and_node", golang_and_node)];

fn golang_and_node(guest: &Guest) {
    let mut site = Site::with_pool(guest);
    site.volumes = WHOLE;
    for image in FAMILIES {
        site.json(&["fetch-and-create", image]);
        let machine = image.replace('/', "-");
        assert_as_in_files(&machine);
        let checked = run(
            "e2fsck",
            &["-fn", &format!("/dev/mapper/longshore-{machine}")],
        );
        assert!(checked.status.success(), "{checked:?}");
    }
    let chain = |image: &str| {
        let volumes = site.json(&["show", image])["volumes"].clone();
        let volumes = volumes.as_array().unwrap().iter();
        volumes
            .map(|volume| volume["id"].clone())
            .collect::<Vec<_>>()
    };
    let (golang, node) = (chain(FAMILIES[0]), chain(FAMILIES[1]));
    assert_eq!((golang.len(), node.len()), (5, 5));
    assert_eq!(golang[..3], node[..3], "layers 1 to 3 are the same volumes");
    assert_ne!(golang[3..], node[3..]);
    site.check();
}
