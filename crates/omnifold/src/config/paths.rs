//! Where folders are when nobody says.

use std::path::{Path, PathBuf};

/// Folder names of this machine, as the environment gives them.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `XDG_DATA_HOME`.
    pub xdg_data_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Places {
    /// Those of the process.
    pub fn of_process() -> Places {
        // The XDG specification: a relative path is to be ignored.
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        Places { xdg_data_home: folder("XDG_DATA_HOME"), home: folder("HOME") }
    }

    /// `./omnifold-data` where it is, or where there is no home; else a folder of the user's.
    pub fn data(&self) -> PathBuf {
        let here = Path::new("omnifold-data");
        match self.of_user() {
            Some(folder) if !here.is_dir() => folder.join("omnifold/data"),
            _ => here.to_path_buf(),
        }
    }

    /// The keyring. Apart from the data: who copies the data must not take the keys along.
    pub fn keys(&self) -> PathBuf {
        match self.of_user() {
            Some(folder) => folder.join("omnifold/keys"),
            None => PathBuf::from("omnifold-keys"),
        }
    }

    fn of_user(&self) -> Option<PathBuf> {
        let beneath_home = || self.home.as_ref().map(|home| home.join(".local/share"));
        self.xdg_data_home.clone().or_else(beneath_home)
    }
}
