//! From text to syntax tree and back. nom does the scanning and stays inside this module.

pub mod ast;
