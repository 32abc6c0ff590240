//! Integers to little-endian bytes and back, never past the end.

use super::check::is_price;
use super::snapshot::{SnapshotError, wrong};
use crate::units::Ticks;

/// Bytes in the making.
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }
    pub(super) fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }
    pub(super) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).expect("a slab has fewer than 2^32 slots"));
    }
    pub(super) fn option(&mut self, value: Option<i64>) {
        self.u8(u8::from(value.is_some()));
        self.i64(value.unwrap_or(0));
    }
    pub(super) fn list<T>(&mut self, items: Vec<T>, mut each: impl FnMut(&mut Writer, T)) {
        self.count(items.len());
        items.into_iter().for_each(|item| each(self, item));
    }
}

/// What is still to be read.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Length)?;
        self.0 = rest;
        Ok(*head)
    }
    pub(super) fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.take::<1>().map(|[byte]| byte)
    }
    pub(super) fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }
    pub(super) fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.take().map(i64::from_le_bytes)
    }
    pub(super) fn flag(&mut self) -> Result<bool, SnapshotError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong("a flag")),
        }
    }
    pub(super) fn option(&mut self) -> Result<Option<i64>, SnapshotError> {
        let there = self.flag()?;
        self.i64().map(|value| there.then_some(value))
    }
    pub(super) fn price(&mut self) -> Result<Option<Ticks>, SnapshotError> {
        let price = self.option()?.map(Ticks);
        if price.is_none_or(is_price) { Ok(price) } else { Err(wrong("a price")) }
    }
    /// The length of a list whose items have at least so many bytes.
    pub(super) fn list(&mut self, item: usize) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        if count > self.0.len() / item { Err(SnapshotError::Length) } else { Ok(count) }
    }
}
