//! Asking memory for what will be read soon.

/// Asks the memory for the cache lines of a slice, without waiting. Nothing but time depends on it; where the machine has no
/// such instruction nothing happens.
#[inline(always)]
pub fn prefetch<V>(values: &[V]) {
    let step = (64 / size_of::<V>().max(1)).max(1);
    for value in values.iter().step_by(step).chain(values.last()) {
        prefetch_line(value);
    }
}

/// The same for the one line that a value begins in.
#[inline(always)]
pub(crate) fn prefetch_line<V>(value: &V) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        sse._mm_prefetch::<2>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
