//! Compiles proto/ with protox (no protoc needed), and adds canonical JSON by pbjson.

use std::path::{Path, PathBuf};

use prost_build::Config;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("omnifold/v1"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();

    let descriptors = protox::compile(&files, [root])?;
    let encoded = prost::Message::encode_to_vec(&descriptors);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), &encoded)?;

    let mut config = Config::new();
    // Fields that few messages have and that would make every one of them large.
    for field in [
        "OrderPlaced.charges",
        "OrderPlaced.class",
        "OrderPlaced.delivery",
        "OrderChanged.delivery",
        "FulfilmentAssigned.delivery",
        "FulfilmentChanged.delivery",
        "AssignedLine.origin",
        "Explanation.policy",
        "OrderOutcome.promise",
        "FulfilmentAssigned.promise",
        "FulfilmentChanged.promise",
        "OrderOutcome.transfers",
    ] {
        config.boxed(format!(".omnifold.v1.{field}"));
    }
    config
        .btree_map(["."]) // a map encodes in one order only, so the same event is the same bytes
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .btree_map(["."])
        .build(&[".omnifold.v1"])?;
    Ok(())
}
