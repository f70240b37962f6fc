//! Any bytes are read as a model, or refused, and what is read is compared with itself without a panic. Run with
//! `fuzz/run network`.
#![no_main]

use convproof_files::onnx::read;
use convproof_network::decide::diff;
use convproof_network::diff::Options;
use convproof_network::verdict::Verdict;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut nowhere = |_: &str, _: u64, _: Option<u64>| Err("no other files".to_owned());
    let Ok(model) = read(bytes.to_vec().into(), &mut nowhere) else { return };
    if let Ok(found) = diff(&model, &model, &Options::default(), &mut |_, _| {}) {
        assert!(
            !matches!(found.verdict, Verdict::Different(_) | Verdict::Rounding { .. }),
            "a model is itself"
        );
    }
});
