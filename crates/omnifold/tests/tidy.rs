//! House style as a test: what is agreed on and a machine can see.

use std::fs;
use std::path::{Path, PathBuf};

/// A file about more than one thing is several files.
const MOST_LINES: usize = 600;
const LONGEST_LINE: usize = 110;

/// Written in parts, so that this file does not hold them.
const UNFINISHED: [&str; 3] =
    [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!(")];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "snapshots" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Tests hold data that stands as it is, on one line; so do rows of a table in a comment.
fn may_be_long(path: &Path, line: &str) -> bool {
    let is_row = line.trim_start().starts_with("//! |");
    is_row || path.components().any(|part| part.as_os_str() == "tests")
}

fn faults(path: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.trim_start().starts_with("//!") {
        faults.push("does not start with a module doc (`//!`) that says what it is for".to_owned());
    }
    let lines = text.lines().count();
    if lines >= MOST_LINES {
        faults.push(format!("has {lines} lines; split it below {MOST_LINES}"));
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let length = line.chars().count();
        if length > LONGEST_LINE && !may_be_long(path, line) {
            faults.push(format!("line {number} has {length} characters, allowed {LONGEST_LINE}"));
        }
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            faults.push(format!("line {number} holds `{word}`"));
        }
    }
    faults
}

#[test]
fn every_source_file_is_tidy() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates"), &mut files);
    assert!(files.len() > 50, "only {} files were found", files.len());
    let mut told = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("UTF-8");
        let name = file.canonicalize().expect("it is there").display().to_string();
        told.extend(faults(&file, &text).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

#[test]
fn each_kind_of_untidiness_is_seen() {
    let good = "//! What it is for.\nfn main() {}\n";
    assert_eq!(faults(Path::new("a.rs"), good), Vec::<String>::new());
    let long = format!("//! Doc.\n// {}\n", "x".repeat(LONGEST_LINE));
    let many = format!("//! Doc.\n{}", "\n".repeat(MOST_LINES));
    let unfinished = format!("//! Doc.\nfn f() {{ {}) }}\n", UNFINISHED[0]);
    for bad in ["fn main() {}\n", &long, &many, &unfinished] {
        assert_eq!(faults(Path::new("a.rs"), bad).len(), 1, "{bad:?}");
    }
}
