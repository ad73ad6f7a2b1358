//! Every event the server emits, by name.
