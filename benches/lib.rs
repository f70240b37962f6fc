//! Holds nothing: the benchmarks are a package of their own so that tests need not build criterion.
