//! Any text parses without a panic, and what parses without errors survives printing. Run with `fuzz/run parse`.
#![no_main]

use convproof::syntax::{parse, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (spec, errors) = parse(text);
    for error in &errors {
        assert!(text.get(error.span.start..error.span.end).is_some(), "span off a character boundary");
        let _ = error.diagnostic();
    }
    if errors.is_empty() {
        let printed = print(&spec);
        let (again, errors) = parse(&printed);
        assert!(errors.is_empty(), "printed text has errors");
        assert!(again.without_spans() == spec.without_spans(), "printing changed the meaning");
        assert_eq!(print(&again), printed, "printing twice differs");
    }
});
