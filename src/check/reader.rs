//! What `load` reads: arrays of files, and parts of model files as stacks. The last model file is kept, since a part
//! loads its weights one by one, and so are the bytes of the last file of several arrays.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::Files;
use crate::load::onnx::{Bytes, Model, array, beside, model, part_of};
use crate::load::{Loaded, load};
use crate::resolve::Resolver;
use convproof_exact::Fractions;

pub(super) struct Reader<'f> {
    files: &'f dyn Files,
    archive: RefCell<Option<(String, Rc<Vec<u8>>)>>,
    model: RefCell<Option<(String, Rc<Model>)>>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self { files, archive: RefCell::new(None), model: RefCell::new(None) }
    }

    pub(super) fn resolver(&self) -> Resolver<'_> {
        Resolver::new(|path: &str, entry: Option<&str>| self.array(path, entry))
            .with_parts(|path: &str, from: Option<&str>, to: Option<&str>| self.part(path, from, to))
    }

    /// Extents and values of an array in a file.
    fn array(&self, path: &str, entry: Option<&str>) -> Result<(Vec<usize>, Fractions), String> {
        let loaded = if path.to_ascii_lowercase().ends_with(".onnx") {
            array(&*self.model(path)?, entry)
        } else {
            load(&self.bytes(path)?, path, entry)
        };
        let Loaded { dims, values } = loaded.map_err(|error| error.to_string())?;
        Ok((dims, values))
    }

    /// A file, kept if more arrays may be asked for.
    fn bytes(&self, path: &str) -> Result<Rc<Vec<u8>>, String> {
        if let Some((own, bytes)) = &*self.archive.borrow()
            && own == path
        {
            return Ok(bytes.clone());
        }
        let bytes = Rc::new(self.files.read(path)?);
        let single = path.to_ascii_lowercase().ends_with(".npy");
        *self.archive.borrow_mut() = (!single).then(|| (path.to_owned(), bytes.clone()));
        Ok(bytes)
    }

    fn model(&self, path: &str) -> Result<Rc<Model>, String> {
        if let Some((own, model)) = &*self.model.borrow()
            && own == path
        {
            return Ok(model.clone());
        }
        let model = Rc::new(self.read_model(path)?);
        *self.model.borrow_mut() = Some((path.to_owned(), model.clone()));
        Ok(model)
    }

    /// Reads a model with the files beside it that hold its data; the last of those is kept, since each array asks anew.
    fn read_model(&self, path: &str) -> Result<Model, String> {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let mut last: Option<(String, Bytes)> = None;
        let mut external = |location: &str, offset: u64, length: Option<u64>| {
            let bytes = match &last {
                Some((own, bytes)) if own == location => bytes.clone(),
                _ => {
                    let place = folder.join(beside(location)?);
                    let place = place.to_str().ok_or_else(|| format!("`{location}` is no name"))?;
                    let bytes = Bytes::from(self.files.read(place)?);
                    last = Some((location.to_owned(), bytes.clone()));
                    bytes
                }
            };
            part_of(&bytes, offset, length).map_err(|problem| format!("{location}: {problem}"))
        };
        model(self.files.read(path)?, &mut external).map_err(|error| error.to_string())
    }

    /// A part of a model file in the words of the language.
    #[cfg(feature = "cli")]
    fn part(&self, path: &str, from: Option<&str>, to: Option<&str>) -> Result<String, String> {
        if !path.to_ascii_lowercase().ends_with(".onnx") {
            return Err("parts are read from .onnx files only".to_owned());
        }
        convproof_network::part::part(&*self.model(path)?, path, from, to).map_err(|error| error.to_string())
    }

    #[cfg(not(feature = "cli"))]
    #[allow(clippy::unused_self, reason = "the other one reads files")]
    fn part(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Result<String, String> {
        Err("parts of model files are read with the feature `cli` only".to_owned())
    }
}
