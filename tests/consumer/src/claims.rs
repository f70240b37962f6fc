//! False claims whose numbers leave 64 bits somewhere: taken modulo 2⁶⁴, or as if there were no output, some of them
//! would be true.

use convproof::check::{Files, check};
use convproof::report::Outcome;
use convproof::source::Source;

struct Nothing;

impl Files for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("no files here, not even {path}"))
    }
}

const CLAIMS: [&str; 16] = [
    "zero_insert(2)^64 == zero_insert(2)^65",
    "zero_insert(2)^64 -> scale(2) == zero_insert(2)^64",
    "zero_insert(65536)^4 == id",
    "zero_insert(65536)^4 == zero_insert(65536)^8",
    "upsample(65536)^4 -> scale(2) == upsample(65536)^4",
    "subsample(65536)^4 == id",
    "subsample(2)^64 == subsample(2)^65",
    "subsample(2)^63 + id == id",
    "maxpool(65536)^4 == maxpool(65536)^5",
    "maxpool(2, stride=65536)^4 == maxpool(3, stride=65536)^4",
    "avgpool(3, stride=65536, padding=same)^4 == avgpool(5, stride=65536, padding=same)^4",
    "conv(K, dilation=65536)^4 == conv(J, dilation=65536)^4",
    "convtranspose(K, stride=65536)^4 == convtranspose(J, stride=65536)^4",
    "(zero_insert(3) -> subsample(2))^41 == (zero_insert(3) -> subsample(2))^42",
    "(subsample(65536) -> conv(K))^4 == (subsample(65536) -> conv(J))^4",
    "id == scale(2) where h % 65535 == 0 and h % 65533 == 0 and w % 65531 == 0 and w % 65529 == 0",
];

/// The claims that are proved, though false.
pub fn proved() -> Vec<&'static str> {
    let proves = |claim: &&&str| {
        let spec = Source::new("claim.cf", format!("kernel K[2,2]\nkernel J[2,2]\nprove {claim}"));
        check(&spec, &Nothing, &mut |_| {}).claims().any(|claim| claim.outcome == Outcome::Proved)
    };
    CLAIMS.iter().filter(proves).copied().collect()
}
