//! An array in a device's memory.

use crate::device::Device;
use crate::error::Error;
use cudarc::driver::sys::CUdeviceptr;
use cudarc::driver::{CudaSlice, DevicePtr, DeviceRepr, ValidAsZeroBits, result};

/// What arrays can hold: numbers of all bits.
pub trait Element: DeviceRepr + ValidAsZeroBits + Copy {}
impl<T: DeviceRepr + ValidAsZeroBits + Copy> Element for T {}

/// An array in a device's memory, freed with it.
#[derive(Debug)]
pub struct Array<T: Element> {
    slice: CudaSlice<T>,
    address: CUdeviceptr,
}

impl<T: Element> Array<T> {
    /// An array of zeros.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] with what is free.
    pub fn zeros(device: &Device, len: usize) -> Result<Self, Error> {
        let slice = device.stream().alloc_zeros(len.max(1)).map_err(|error| memory::<T>(len, error))?;
        Ok(Self::from_slice(device, slice))
    }

    /// An array with these values.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] with what is free.
    pub fn from_host(device: &Device, values: &[T]) -> Result<Self, Error> {
        if values.is_empty() {
            return Self::zeros(device, 0);
        }
        let slice = device.stream().clone_htod(values).map_err(|error| memory::<T>(values.len(), error))?;
        Ok(Self::from_slice(device, slice))
    }

    fn from_slice(device: &Device, slice: CudaSlice<T>) -> Self {
        let address = slice.device_ptr(device.stream()).0; // fixed for the array's life
        Self { slice, address }
    }

    /// Where it begins, as kernels take it.
    pub fn address(&self) -> CUdeviceptr {
        self.address
    }

    /// Elements; at least 1 are allocated.
    pub fn len(&self) -> usize {
        self.slice.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.slice.is_empty()
    }

    /// Overwrite the first elements.
    ///
    /// # Errors
    /// [`Error::Length`] for more than there are, [`Error::Driver`].
    pub fn write(&mut self, device: &Device, values: &[T]) -> Result<(), Error> {
        if values.len() > self.len() {
            return Err(Error::Length { name: "values", expected: self.len(), found: values.len() });
        }
        let copied = device.stream().memcpy_htod(values, &mut self.slice);
        copied.map_err(|error| Error::driver("copying to the device", error))
    }

    /// Enqueue a copy of another array of the same length.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::Driver`].
    pub fn copy_from(&mut self, device: &Device, other: &Self) -> Result<(), Error> {
        if other.len() != self.len() {
            return Err(Error::Length { name: "the other array", expected: self.len(), found: other.len() });
        }
        let copied = device.stream().memcpy_dtod(&other.slice, &mut self.slice);
        copied.map_err(|error| Error::driver("copying on the device", error))
    }

    /// Copy everything to the host, and wait for it.
    ///
    /// # Errors
    /// [`Error::Length`] unless `values` is as long, [`Error::Driver`].
    pub fn read(&self, device: &Device, values: &mut [T]) -> Result<(), Error> {
        if values.len() != self.len() {
            return Err(Error::Length { name: "values", expected: self.len(), found: values.len() });
        }
        self.read_first(device, values)
    }

    /// Copy the first elements to the host, and wait for it.
    ///
    /// # Errors
    /// [`Error::Length`] for more than there are, [`Error::Driver`].
    pub fn read_first(&self, device: &Device, values: &mut [T]) -> Result<(), Error> {
        if values.len() > self.len() {
            return Err(Error::Length { name: "values", expected: self.len(), found: values.len() });
        }
        let copied = device.stream().memcpy_dtoh(&self.slice.slice(..values.len()), values);
        copied.map_err(|error| Error::driver("copying from the device", error))?;
        device.synchronize()
    }
}

fn memory<T>(len: usize, error: cudarc::driver::DriverError) -> Error {
    if Error::is_memory(error) {
        let (free, total) = result::mem_get_info().unwrap_or_default();
        let needed = (len * size_of::<T>()) as u64;
        return Error::OutOfMemory { needed, free: free as u64, total: total as u64 };
    }
    Error::driver("allocating on the device", error)
}
