//! What tools write, and what it is taken for.

use std::{fs, path::Path};

use longshore_scan::read_file;
use serde_json::json;

use super::{super::open::PathForm, images::*};
use crate::Class;

#[test]
fn an_oci_layout_is_unpacked_from_an_archive_and_from_a_directory() {
    let place = Place::new();
    place.is(&place.file(tar_of(&oci())), PathForm::OciLayout);
    place.is(&place.dir(&oci()), PathForm::OciLayout);
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 2);
}

#[test]
fn what_docker_saves_is_unpacked() {
    let place = Place::new();
    place.is(&place.file(tar_of(&docker())), PathForm::DockerArchive);
    // Since version 25 it is a layout as well.
    let mut files = Files::new();
    let layers = layers();
    let config = config(&layers).to_string().into_bytes();
    let blob = |files: &mut Files, bytes| format!("blobs/sha256/{}", put(files, bytes).to_hex());
    let names: Vec<_> = layers
        .iter()
        .map(|it| blob(&mut files, it.clone()))
        .collect();
    let config = blob(&mut files, config);
    let docker = json!([{ "Config": config, "RepoTags": null, "Layers": names }]);
    files.insert("manifest.json".to_owned(), docker.to_string().into());
    place.is(&place.file(tar_of(&files)), PathForm::DockerArchive);
    let descriptors: Vec<_> = layers
        .iter()
        .map(|layer| descriptor(&mut files, OCI_LAYER, layer.clone()))
        .collect();
    let config = document(&mut files, OCI_CONFIG, &self::config(&layers));
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": descriptors });
    let manifest = document(&mut files, OCI_MANIFEST, &manifest);
    lay_out(&mut files, &[manifest]);
    place.is(&place.file(tar_of(&files)), PathForm::OciLayout);
    // One image for some, and another for others.
    change(&mut files, "manifest.json", |docker| {
        docker[0]["Layers"].as_array_mut().unwrap().pop();
    });
    place.refused(&place.file(tar_of(&files)), "image-contradiction");
}

#[test]
fn a_layer_that_is_there_already_may_be_a_link() {
    let place = Place::new();
    let mut files = docker();
    let moved = files.remove(&format!("{:064}/layer.tar", 1)).unwrap();
    files.insert(format!("{:064}/layer.tar", 9), moved);
    let link = format!("-> ../{:064}/layer.tar", 9);
    files.insert(format!("{:064}/layer.tar", 1), link.into());
    place.is(&place.file(tar_of(&files)), PathForm::DockerArchive);
    let to_itself = format!("-> ../{:064}/layer.tar", 1);
    files.insert(format!("{:064}/layer.tar", 1), to_itself.into());
    place.refused(&place.file(tar_of(&files)), "image-part-refused");
    let outside = b"-> ../../../../../../etc/passwd";
    files.insert(format!("{:064}/layer.tar", 1), outside.to_vec());
    place.refused(&place.file(tar_of(&files)), "image-part-refused");
}

#[test]
fn of_several_platforms_this_one_is_taken() {
    let arch = longshore_image::Platform::linux(std::env::consts::ARCH).architecture;
    let place = Place::new();
    let mut files = Files::new();
    let mut ours = manifest(&mut files, &layers());
    ours["platform"] = json!({ "os": "linux", "architecture": arch });
    let other = [tar([("other", &b"x"[..])])];
    let mut theirs = manifest(&mut files, &other);
    theirs["platform"] = json!({ "os": "linux", "architecture": "mips64le", "variant": "x" });
    let mut attested = manifest(&mut files, &[]);
    attested["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    attested["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest" });
    let inner = index(&[theirs.clone(), attested.clone(), ours]);
    let nested = document(&mut files, OCI_INDEX, &inner);
    lay_out(&mut files, &[nested]);
    place.is(&place.file(tar_of(&files)), PathForm::OciLayout);
    // The only one there is may be for anything.
    lay_out(&mut files, &[theirs.clone(), attested]);
    let path = place.file(tar_of(&files));
    assert!(place.open(&path).unwrap().0.open(b"other").is_ok());
    let mut windows = manifest(&mut files, &layers());
    windows["platform"] = json!({ "os": "windows", "architecture": arch });
    lay_out(&mut files, &[theirs, windows]);
    let failure = place.refused(&place.file(tar_of(&files)), "no-such-platform");
    assert_eq!(failure.class, Class::NotFound);
}

#[test]
fn several_images_are_not_chosen_from() {
    let place = Place::new();
    let mut files = docker();
    change(&mut files, "manifest.json", |manifest| {
        let mut other = manifest[0].clone();
        other["RepoTags"] = json!(["other\u{1b}[2J:1"]);
        other["Layers"].as_array_mut().unwrap().pop();
        manifest.as_array_mut().unwrap().push(other);
    });
    let failure = place.refused(&place.file(tar_of(&files)), "several-images");
    assert!(
        failure.message.contains("test:1, other\\x1b[2J:1"),
        "{failure:#?}"
    );
    let mut files = Files::new();
    let one = manifest(&mut files, &layers());
    let other = manifest(&mut files, &layers()[..1]);
    lay_out(&mut files, &[one, other]);
    place.refused(&place.file(tar_of(&files)), "several-images");
}

#[test]
fn what_is_no_image_is_a_layer() {
    let place = Place::new();
    let layer = tar([
        ("etc/os-release", &b"ID=test"[..]),
        // As web applications have it.
        ("manifest.json", b"{\"name\": \"app\"}"),
        ("index.json", b"[]"),
    ]);
    for stored in [layer.clone(), gzip(&layer), zstd(&layer)] {
        let (rootfs, form) = place.open(&place.file(stored)).unwrap();
        assert_eq!(form, PathForm::Layer);
        assert_eq!(
            read_file(&*rootfs, b"etc/os-release", 9).unwrap(),
            b"ID=test"
        );
    }
    for image in [docker(), oci()] {
        place.refused(&place.file(gzip(&tar_of(&image))), "compressed-image");
        place.refused(&place.file(zstd(&tar_of(&image))), "compressed-image");
    }
}

#[test]
fn what_is_no_archive_either_is_told() {
    let place = Place::new();
    assert_eq!(
        place.refused(&place.at("gone"), "no-such-path").class,
        Class::NotFound
    );
    place.refused(&place.file("not an archive"), "truncated");
    place.refused(&place.file([b'x'; 2_000]), "header-checksum");
    place.refused(&place.file(""), "empty");
    place.refused(&place.file([0x1f, 0x8b, 8, 0]), "gzip-truncated");
    assert_eq!(
        place.refused(Path::new("/dev/null"), "not-a-file").class,
        Class::Usage
    );
    let root = place.dir(&Files::from([(
        "etc/os-release".to_owned(),
        b"ID=test".to_vec(),
    )]));
    let (rootfs, form) = place.open(&root).unwrap();
    assert_eq!(form, PathForm::Directory);
    assert_eq!(
        read_file(&*rootfs, b"/etc/os-release", 9).unwrap(),
        b"ID=test"
    );
}

#[test]
fn a_layer_may_have_a_sparse_file_in_the_older_form() {
    let mut header = tar::Header::new_gnu();
    let fields = header.as_gnu_mut().unwrap();
    fields.name[..6].copy_from_slice(b"sparse");
    fields.typeflag = [b'S'];
    fields.isextended = [1];
    fields.realsize.copy_from_slice(b"00000020000\0");
    let piece = |piece: &mut tar::GnuSparseHeader, offset: u64| {
        piece
            .offset
            .copy_from_slice(format!("{offset:011o}\0").as_bytes());
        piece.numbytes.copy_from_slice(b"00000001000\0");
    };
    for (offset, part) in (0..).step_by(1_024).zip(&mut fields.sparse) {
        piece(part, offset);
    }
    let mut more = tar::GnuExtSparseHeader::new();
    piece(&mut more.sparse[0], 4_096);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(5 * 512);
    header.set_cksum();
    let mut layer = header.as_bytes().to_vec();
    layer.extend(more.as_bytes());
    layer.resize(layer.len() + 5 * 512, b'x');
    layer.extend(tar([("after", &b"after"[..])]));
    let place = Place::new();
    let (rootfs, form) = place.open(&place.file(layer)).unwrap();
    assert_eq!(form, PathForm::Layer);
    assert_eq!(rootfs.open(b"sparse").unwrap().size(), 8_192);
    assert_eq!(read_file(&*rootfs, b"after", 9).unwrap(), b"after");
}
