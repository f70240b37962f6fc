//! Any text is checked to the end: no panic, not even one that the check survives, and no claim that the program
//! calls a defect of its own. Run with `fuzz/run check`.
#![no_main]

use convproof::algebra::budget::Budget;
use convproof::check::{Files, check_within};
use convproof::source::Source;
use libfuzzer_sys::fuzz_target;

/// One small array under every name.
struct Array;

impl Files for Array {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.bytes());
        file.extend([1.0_f32, -0.5, 0.0, 3.0].iter().flat_map(|value| value.to_le_bytes()));
        Ok(file)
    }
}

// The hook of libfuzzer aborts at every panic, also at those that `check` catches.
fuzz_target!(|text: &str| {
    let budget = Budget { steps: Budget::STEPS / 100, ..Budget::default() };
    let report = check_within(&Source::new("spec", text), &Array, &budget, &mut |_| {});
    for claim in report.claims() {
        assert!(!claim.method.contains("defect"), "{}: {}", claim.statement, claim.method);
    }
});
