//! Grammatical specs with numbers around every limit: each is answered, none with a panic.
//!
//! `EXTREMES_SPECS` sets how many specs are checked, `EXTREMES_SEED` where to begin. A spec that aborts the process or
//! does not end is the one printed last with `EXTREMES_SHOW=1`. Each statement has a small budget of work.

mod grammar;

use std::sync::Mutex;

use super::variable;
use convproof::algebra::budget::Budget;
use convproof::check::{Files, check_within};
use convproof::source::Source;
use convproof::syntax::parse;
use grammar::Writer;

/// Small arrays, and headers that promise huge ones.
struct Arrays(u64);

impl Files for Arrays {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let shape =
            ["(2, 2)", "(1,)", "(2, 1, 2, 2)", "(4294967296, 4294967296)", "(0, 3)", "(1, 1, 1, 1, 1)", "()"];
        let shape = shape[(self.0 % shape.len() as u64) as usize];
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        npy.extend(header.bytes());
        npy.extend((0..8u32).flat_map(|n| f64::from(n).to_le_bytes()));
        match path {
            "a.npy" | "a.npz" => Ok(npy),
            "a.safetensors" => {
                let header = br#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
                let length = (header.len() as u64).to_le_bytes();
                Ok(length.into_iter().chain(header.iter().copied()).chain([0; 16]).collect())
            }
            _ => Err(format!("{path}: no such file")),
        }
    }
}

/// What panicked since the hook was set; `check` catches panics and goes on.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn every_spec_is_answered() {
    // As large a stack as the command line gives.
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(answer_all);
    thread.unwrap().join().unwrap();
}

fn answer_all() {
    std::panic::set_hook(Box::new(|info| {
        if info.location().is_some_and(|at| !at.file().starts_with("tests")) {
            PANICS.lock().unwrap().push(info.to_string());
        }
    }));
    let (first, count) = (variable("EXTREMES_SEED", 1), variable("EXTREMES_SPECS", 300));
    let budget = Budget { steps: Budget::STEPS / 50, ..Budget::default() };
    let (mut claims, mut errors, mut broken) = (0, 0, Vec::new());
    for seed in first..first + count {
        let text = Writer::new(seed).spec();
        if variable("EXTREMES_SHOW", 0) == 1 {
            eprintln!("seed {seed}\n{text}");
        }
        let (_, mistakes) = parse(&text);
        if let Some(mistake) = mistakes.first() {
            broken.push(format!("seed {seed}: not grammatical: {}\n{text}", mistake.diagnostic().message));
        }
        let report = check_within(&Source::new("spec", text.clone()), &Arrays(seed), &budget, &mut |_| {});
        claims += report.claims().count();
        errors += report.errors.len();
        let panics = std::mem::take(&mut *PANICS.lock().unwrap());
        broken.extend(panics.into_iter().map(|panic| format!("seed {seed}: {panic}\n{text}")));
        let words = report.claims().map(|claim| format!("{}\n{}", claim.method, claim.statement));
        let words = words.chain(report.errors.iter().map(|error| error.message.clone()));
        let blamed = words.filter(|words| words.contains("defect"));
        broken.extend(blamed.map(|words| format!("seed {seed}: {words}")));
    }
    let _ = std::panic::take_hook();
    println!("{claims} claims decided, {errors} errors");
    assert!(broken.is_empty(), "{} of {count}:\n\n{}", broken.len(), broken.join("\n\n"));
    assert!(claims as u64 >= count / 4 && errors as u64 >= count / 4, "{claims} claims, {errors} errors");
}

/// Every word of the language's tables occurs.
#[test]
fn every_function_and_layer_occurs() {
    let manual = include_str!("../../../../docs/language.md");
    let all: String = (1..3000).map(|seed| Writer::new(seed).spec()).collect();
    let rows = manual.lines().filter_map(|line| line.strip_prefix("| `"));
    let calls = rows.filter_map(|row| row.split('`').next()).filter_map(|cell| cell.split_once('('));
    let names: Vec<&str> = calls
        .map(|(name, _)| name)
        .filter(|name| name.len() > 1)
        .filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        assert!(all.contains(&format!("{name}(")), "no {name}");
    }
}
