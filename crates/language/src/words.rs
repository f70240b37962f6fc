//! The words of the language by what they are, for tools that colour or complete specs.

use crate::builtins;
use crate::syntax;

/// Words that begin a statement wherever they stand. `size` and `export` do at the start of a line, before a name.
pub fn statements() -> Vec<&'static str> {
    syntax::keywords().collect()
}

/// Words that belong to a statement, and cannot be or rather should not be names.
pub fn clauses() -> Vec<&'static str> {
    let values = ["true", "false"];
    let reserved = syntax::RESERVED.iter().copied().filter(|word| !values.contains(word));
    // These two are words only where `fit` asks for them.
    reserved.chain(["quick", "rank"]).collect()
}

/// Words that stand for a value: truth, and ways of padding.
pub fn constants() -> Vec<&'static str> {
    ["true", "false"].into_iter().chain(builtins::PADDINGS).chain(builtins::MODES).collect()
}
