//! Columns of real accounts: numbers that a process holds once, known by the digest of their content.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Numbers of accounts, a number each.
#[derive(Debug)]
pub struct Column {
    /// The digest of its content.
    pub digest: String,
    /// As they were given.
    pub values: Vec<f64>,
}

/// What is held now, by digest. A scenario names its columns by their digests, so that it stays short.
static HELD: Mutex<BTreeMap<String, Weak<Column>>> = Mutex::new(BTreeMap::new());

impl Column {
    /// Holds numbers as long as anybody keeps what this returns; `digest` stands for them, here and in every process.
    pub fn hold(digest: &str, values: Vec<f64>) -> Arc<Column> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = held.get(digest).and_then(Weak::upgrade) {
            return column;
        }
        held.retain(|_, column| column.strong_count() > 0);
        let column = Arc::new(Column { digest: digest.to_owned(), values });
        held.insert(digest.to_owned(), Arc::downgrade(&column));
        column
    }

    /// The column of this digest, if it is held.
    pub fn find(digest: &str) -> Option<Arc<Column>> {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).get(digest).and_then(Weak::upgrade)
    }
}
