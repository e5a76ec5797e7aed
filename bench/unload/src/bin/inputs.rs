//! `inputs DIR SCALE FAMILY NAME`: makes the inputs below DIR, or finds them there, and prints a line each.
//!
//! `NAME` has the layers in the folder FAMILY (`1.tar` and so on; `-` is none); `small` is 200,000 files of
//! 1 KiB and `big` eight files of 256 MiB, each divided by SCALE. The same arguments give the same bytes.
//! An input is `NAME/plain/images/NAME/1.tar` and so on, `NAME/gz/images/NAME/1.tar.gz`, and beside each
//! `images` a layout of OCI, `oci`, of the same layers. `NAME/about.json` is written last: what has none
//! was not finished.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use ring::digest::{self, SHA256};
use serde_json::{Value, json};
use unload_bench::About;

/// Of what is made by code: raised when the same arguments would give other bytes.
const VERSION: u32 = 2;
/// What compressors of images use where nobody says anything.
const LEVEL: u32 = 6;
const FILES: u64 = 200_000;
const BIG_FILES: u64 = 8;
const BIG_BYTES: u64 = 256 << 20;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [dir, scale, family, name] = words.as_slice() else {
        bail!("inputs DIR SCALE FAMILY NAME");
    };
    let (dir, scale) = (Path::new(dir), scale.parse::<u64>()?.max(1));
    if family != "-" {
        let layers = layers_in(Path::new(family))?;
        let mut made_of = family.clone();
        for layer in &layers {
            let meta = fs::metadata(layer)?;
            made_of.push_str(&format!(" {}@{}", meta.len(), meta.mtime()));
        }
        input(dir, name, &made_of, |plain| link(&layers, plain))?;
    }
    let made_of = format!("{VERSION}: scale {scale}");
    input(dir, "small", &made_of, |plain| small(plain, FILES / scale))?;
    input(dir, "big", &made_of, |plain| big(plain, BIG_BYTES / scale))
}

fn layers_in(family: &Path) -> Result<Vec<PathBuf>> {
    let layers: Vec<PathBuf> = (1..)
        .map(|n| family.join(format!("{n}.tar")))
        .take_while(|layer| layer.is_file())
        .collect();
    if layers.is_empty() {
        bail!("no layers in {}", family.display());
    }
    Ok(layers)
}

/// Makes the input unless it is there, and prints what it is.
fn input(
    dir: &Path,
    name: &str,
    made_of: &str,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let dir = dir.join(name);
    let about_file = dir.join("about.json");
    let known = fs::read(&about_file).ok();
    let known = known.and_then(|bytes| serde_json::from_slice::<About>(&bytes).ok());
    let about = match known.filter(|about| about.made_of == made_of) {
        Some(about) => about,
        None => {
            if dir.exists() {
                fs::remove_dir_all(&dir)?;
            }
            let plain = dir.join("plain/images").join(name);
            fs::create_dir_all(&plain)?;
            make(&plain)?;
            let about = finish(&dir, name, made_of, &layers_in(&plain)?)?;
            fs::write(&about_file, serde_json::to_vec(&about)?)?;
            about
        }
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &about)?;
    writeln!(out)?;
    Ok(())
}

/// Everything that is made of the plain layers.
fn finish(dir: &Path, name: &str, made_of: &str, plain: &[PathBuf]) -> Result<About> {
    let mut about = About {
        input: name.to_owned(),
        made_of: made_of.to_owned(),
        layers: plain.len(),
        entries: 0,
        tar_bytes: 0,
        gz_bytes: 0,
        rounded_bytes: 0,
    };
    let gz_dir = dir.join("gz/images").join(name);
    fs::create_dir_all(&gz_dir)?;
    let (mut plain_digests, mut gz_digests, mut gz) = (Vec::new(), Vec::new(), Vec::new());
    for (at, layer) in plain.iter().enumerate() {
        let packed = gz_dir.join(format!("{}.tar.gz", at + 1));
        let mut encoder = GzEncoder::new(File::create(&packed)?, Compression::new(LEVEL));
        io::copy(&mut File::open(layer)?, &mut encoder)?;
        encoder.finish()?;
        about.tar_bytes += fs::metadata(layer)?.len();
        about.gz_bytes += fs::metadata(&packed)?.len();
        plain_digests.push(digest_of(layer)?);
        gz_digests.push(digest_of(&packed)?);
        gz.push(packed);
        for entry in tar::Archive::new(BufReader::new(File::open(layer)?)).entries()? {
            about.entries += 1;
            about.rounded_bytes += entry?.size().next_multiple_of(4096);
        }
    }
    layout(
        &dir.join("plain/oci"),
        "tar",
        plain,
        &plain_digests,
        &plain_digests,
    )?;
    layout(
        &dir.join("gz/oci"),
        "tar+gzip",
        &gz,
        &gz_digests,
        &plain_digests,
    )?;
    Ok(about)
}

fn digest_of(file: &Path) -> Result<String> {
    let (mut file, mut context) = (File::open(file)?, digest::Context::new(&SHA256));
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => context.update(&buffer[..read]),
        }
    }
    Ok(hex(context.finish().as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A layout as the image specification of OCI has it: <https://github.com/opencontainers/image-spec>.
fn layout(
    dir: &Path,
    media: &str,
    layers: &[PathBuf],
    digests: &[String],
    diff_ids: &[String],
) -> Result<()> {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let mut descriptors = Vec::new();
    for (layer, digest) in layers.iter().zip(digests) {
        let blob = blobs.join(digest);
        if !blob.exists() {
            fs::hard_link(layer, blob)?;
        }
        descriptors.push(json!({
            "mediaType": format!("application/vnd.oci.image.layer.v1.{media}"),
            "digest": format!("sha256:{digest}"),
            "size": fs::metadata(layer)?.len(),
        }));
    }
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let diff_ids: Vec<_> = diff_ids.iter().map(|id| format!("sha256:{id}")).collect();
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = blob(&blobs, "application/vnd.oci.image.config.v1+json", &config)?;
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let mut manifest = blob(
        &blobs,
        manifest_type,
        &json!({
            "schemaVersion": 2, "mediaType": manifest_type,
            "config": config, "layers": descriptors,
        }),
    )?;
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "bench"});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(dir.join("index.json"), index.to_string())?;
    fs::write(
        dir.join("oci-layout"),
        json!({"imageLayoutVersion": "1.0.0"}).to_string(),
    )?;
    Ok(())
}

/// Writes a document, and returns its descriptor.
fn blob(blobs: &Path, media: &str, document: &Value) -> Result<Value> {
    let bytes = document.to_string();
    let digest = hex(digest::digest(&SHA256, bytes.as_bytes()).as_ref());
    fs::write(blobs.join(&digest), &bytes)?;
    Ok(json!({"mediaType": media, "digest": format!("sha256:{digest}"), "size": bytes.len()}))
}

/// Links, for they are large; copies where they are on another filesystem.
fn link(layers: &[PathBuf], plain: &Path) -> Result<()> {
    for layer in layers {
        let to = plain.join(layer.file_name().context("no name")?);
        if fs::hard_link(layer, &to).is_err() {
            fs::copy(layer, &to)?;
        }
    }
    Ok(())
}

fn small(plain: &Path, files: u64) -> Result<()> {
    let mut archive = archive(plain)?;
    let mut content = Content::new(1);
    for n in 0..files {
        if n % 1000 == 0 {
            directory(&mut archive, &format!("srv/{:03}/", n / 1000))?;
        }
        let text = content.words(1024);
        let name = format!("srv/{:03}/{:03}.txt", n / 1000, n % 1000);
        file(&mut archive, &name, 1024, text.as_slice())?;
    }
    Ok(archive.into_inner()?.flush()?)
}

fn big(plain: &Path, bytes: u64) -> Result<()> {
    let mut archive = archive(plain)?;
    directory(&mut archive, "srv/")?;
    for n in 0..BIG_FILES {
        let halves = Halves {
            content: Content::new(2 + n),
            piece: Vec::new(),
            at: 0,
        };
        file(
            &mut archive,
            &format!("srv/{n}.bin"),
            bytes,
            halves.take(bytes),
        )?;
    }
    Ok(archive.into_inner()?.flush()?)
}

type Archive = tar::Builder<BufWriter<File>>;

fn archive(plain: &Path) -> Result<Archive> {
    let file = File::create(plain.join("1.tar"))?;
    Ok(tar::Builder::new(BufWriter::with_capacity(1 << 20, file)))
}

fn directory(archive: &mut Archive, name: &str) -> Result<()> {
    let mut header = header(0o755, 0);
    header.set_entry_type(tar::EntryType::Directory);
    Ok(archive.append_data(&mut header, name, io::empty())?)
}

fn file(archive: &mut Archive, name: &str, bytes: u64, content: impl Read) -> Result<()> {
    Ok(archive.append_data(&mut header(0o644, bytes), name, content)?)
}

fn header(mode: u32, bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(bytes);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header
}

/// Pseudorandom bytes, by xorshift64*: always the same of the same seed.
struct Content(u64);

impl Content {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn random(&mut self, bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes + 8);
        while out.len() < bytes {
            out.extend(self.next().to_le_bytes());
        }
        out.truncate(bytes);
        out
    }

    /// Words of a language of 4,096 words, each with a number: gzip makes less than a third of it.
    fn words(&mut self, bytes: usize) -> Vec<u8> {
        const SYLLABLES: [&str; 16] = [
            "ka", "lo", "mi", "ne", "ru", "sta", "ven", "tor", "qua", "bel", "dis", "fy", "gra",
            "hu", "ix", "jo",
        ];
        let mut out = Vec::with_capacity(bytes + 16);
        while out.len() < bytes {
            let random = self.next();
            let mut word = random >> 52;
            for _ in 0..3 {
                out.extend(SYLLABLES[usize::try_from(word & 15).unwrap_or(0)].as_bytes());
                word >>= 4;
            }
            out.extend(format!("{:04x} ", random & 0xffff).bytes());
        }
        out.truncate(bytes);
        out
    }
}

/// 16 KiB that gzip can do nothing with and 16 KiB of words, in turns.
struct Halves {
    content: Content,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Halves {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.piece = self.content.random(16 << 10);
            self.piece.extend(self.content.words(16 << 10));
            self.at = 0;
        }
        let read = (&self.piece[self.at..]).read(into)?;
        self.at += read;
        Ok(read)
    }
}
