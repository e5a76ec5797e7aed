//! `floor STAGE TARGET LAYER...`: one stage that nobody can avoid, and nothing else.
//!
//! `hash` and `identify` hash the layers that are given, which are the stored and the inflated ones;
//! `inflate` inflates them; `write` copies them one after the other to TARGET and syncs it. Each is done by
//! the fastest means at hand that a program in Rust can link to: ring's SHA-256, zlib-rs, and writes that
//! pass by the page cache.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
};

use anyhow::{Context, Result, bail};
use flate2::read::MultiGzDecoder;
use ring::digest::{self, SHA256};

/// Of memory and of what is written past the page cache; no block of a disk is larger.
const ALIGNED: usize = 4096;
const PIECE: usize = 1 << 20;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [stage, target, layers @ ..] = words.as_slice() else {
        bail!("floor STAGE TARGET LAYER...");
    };
    match stage.as_str() {
        "hash" | "identify" => hash(layers),
        "inflate" => inflate(layers),
        "write" => write(target, layers),
        _ => bail!("not a stage: {stage}"),
    }
}

fn hash(layers: &[String]) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    for layer in layers {
        let (mut file, mut context) = (File::open(layer)?, digest::Context::new(&SHA256));
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => context.update(&buffer[..read]),
            }
        }
        std::hint::black_box(context.finish());
    }
    Ok(())
}

fn inflate(layers: &[String]) -> Result<()> {
    // The half of a level 2 cache: what is inflated is looked at by nobody, as in a pipeline of threads.
    let mut buffer = vec![0; 1 << 18];
    for layer in layers {
        let file = io::BufReader::with_capacity(1 << 18, File::open(layer)?);
        let mut decoder = MultiGzDecoder::new(file);
        while decoder.read(&mut buffer)? > 0 {
            std::hint::black_box(&buffer);
        }
    }
    Ok(())
}

fn write(target: &str, layers: &[String]) -> Result<()> {
    // O_DIRECT of Linux: 0o40000 on x86, 0o200000 on Arm.
    let direct = if cfg!(target_arch = "aarch64") {
        0o200_000
    } else {
        0o40_000
    };
    let mut open = OpenOptions::new();
    open.write(true).create(true).truncate(true);
    let file = open.clone().custom_flags(direct).open(target);
    // A filesystem that cannot has the copy in its cache.
    let mut file = file
        .or_else(|_| open.open(target))
        .context(target.to_owned())?;
    let mut memory = vec![0; PIECE + ALIGNED];
    let start = memory.as_ptr().align_offset(ALIGNED);
    let piece = &mut memory[start..start + PIECE];
    let (mut filled, mut bytes) = (0, 0);
    for layer in layers {
        let mut from = File::open(layer)?;
        loop {
            match from.read(&mut piece[filled..])? {
                0 => break,
                read => (filled, bytes) = (filled + read, bytes + u64::try_from(read)?),
            }
            if filled == PIECE {
                file.write_all(piece)?;
                filled = 0;
            }
        }
    }
    // The last piece is filled up to a whole block, and cut off again.
    piece[filled..].fill(0);
    file.write_all(&piece[..filled.next_multiple_of(ALIGNED)])?;
    file.set_len(bytes)?;
    Ok(file.sync_all()?)
}
