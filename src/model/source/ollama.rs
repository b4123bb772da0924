//! Ollama's store on this machine: a manifest for each name, which says under which checksum the model's
//! file lies among the blobs. Only read; nothing in a manifest is trusted.
//!
//! `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON with layers, each of a media type and with the
//! digest of a blob `blobs/sha256-HEX`; the layer of type `application/vnd.ollama.image.model` is a GGUF
//! file.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::{Error, Result};

/// What `--model` and `model.default` begin with when they name one of ollama's.
pub const OLLAMA: &str = "ollama:";

/// The host and the namespace that ollama's own names leave out.
const HOST: &str = "registry.ollama.ai";
const NAMESPACE: &str = "library";
const MODEL_LAYER: &str = "application/vnd.ollama.image.model";
const ADAPTER_LAYER: &str = "application/vnd.ollama.image.adapter";
/// Manifests have some hundred bytes.
const LARGEST_MANIFEST: u64 = 1 << 20;

/// One user's folders of ollama's models; the first one that has a name is meant by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OllamaStore {
    pub folders: Vec<PathBuf>,
}

/// One name in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OllamaModel {
    /// As ollama says it: `name:tag`, with the namespace or the host before it where it is not
    /// ollama's own.
    pub name: String,
    pub manifest: PathBuf,
    /// The model's file, or why there is none.
    pub blob: std::result::Result<PathBuf, String>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    #[serde(default)]
    size: Option<u64>,
}

impl OllamaStore {
    /// The folders of this process's user: `OLLAMA_MODELS`, else the user's own and that of ollama's
    /// service.
    pub fn from_environment() -> Self {
        if let Some(folder) = std::env::var_os("OLLAMA_MODELS").filter(|value| !value.is_empty()) {
            return Self { folders: vec![folder.into()] };
        }
        let own = etcetera::home_dir().ok().map(|home| home.join(".ollama").join("models"));
        let service = cfg!(unix).then(|| PathBuf::from("/usr/share/ollama/.ollama/models"));
        Self { folders: own.into_iter().chain(service).collect() }
    }

    /// Every name in the store, in the order of the names. A folder that cannot be read is told to
    /// `unreadable` with the reason.
    pub fn models(&self, unreadable: &mut dyn FnMut(&Path, &std::io::Error)) -> Vec<OllamaModel> {
        let mut models: Vec<OllamaModel> = Vec::new();
        for folder in &self.folders {
            // Exactly four levels: host, namespace, model, tag.
            let mut level = vec![folder.join("manifests")];
            for _ in 0..4 {
                let mut next = Vec::new();
                for folder in level {
                    match std::fs::read_dir(&folder) {
                        Ok(entries) => next.extend(entries.flatten().map(|entry| entry.path())),
                        Err(error)
                            if matches!(
                                error.kind(),
                                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                            ) => {}
                        Err(error) => unreadable(&folder, &error),
                    }
                }
                level = next;
            }
            for manifest in level.into_iter().filter(|path| path.is_file()) {
                let Some(name) = name_of(folder, &manifest) else { continue };
                if models.iter().all(|known| known.name != name) {
                    let blob = blob_of(folder, &manifest);
                    models.push(OllamaModel { name, manifest, blob });
                }
            }
        }
        models.sort_by(|a, b| a.name.cmp(&b.name));
        models
    }

    /// The file of a model by its name in ollama (the tag `latest` when none is given).
    ///
    /// # Errors
    /// A name that the store does not have, or one whose file is gone or is no GGUF file.
    pub fn locate(&self, name: &str) -> Result<PathBuf> {
        let wrong = |reason: String| Error::Ollama { name: name.to_owned(), reason };
        let Some(relative) = manifest_path(name) else {
            return Err(wrong("that is no name of ollama's; write ollama:NAME:TAG".to_owned()));
        };
        for folder in &self.folders {
            let manifest = folder.join("manifests").join(&relative);
            if manifest.is_file() {
                return blob_of(folder, &manifest).map_err(wrong);
            }
        }
        Err(wrong(format!(
            "ollama's store has no such model; `kaizen models list` shows those it has, `ollama pull {name}` fetches it"
        )))
    }

    /// Blobs that were not fetched to their end, which no name leads to yet.
    pub fn unfinished(&self) -> Vec<PathBuf> {
        let blobs = self.folders.iter().map(|folder| folder.join("blobs"));
        let entries = blobs.flat_map(|blobs| std::fs::read_dir(blobs).into_iter().flatten());
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_none())
            .filter(|path| path.to_string_lossy().ends_with("-partial"))
            .collect();
        found.sort();
        found
    }
}

/// Where the manifest of a name lies below `manifests/`; none for what is no name.
fn manifest_path(name: &str) -> Option<PathBuf> {
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (name, "latest"),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let parts: Vec<&str> = match parts.as_slice() {
        [model] => vec![HOST, NAMESPACE, model, tag],
        [namespace, model] => vec![HOST, namespace, model, tag],
        [host, namespace, model] => vec![host, namespace, model, tag],
        _ => return None,
    };
    let plain = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
    };
    parts.iter().all(plain).then(|| parts.iter().collect())
}

/// The name behind a manifest's path.
fn name_of(folder: &Path, manifest: &Path) -> Option<String> {
    let relative = manifest.strip_prefix(folder.join("manifests")).ok()?;
    let parts: Vec<&str> = relative.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let name = match parts.as_slice() {
        [HOST, NAMESPACE, model, tag] => format!("{model}:{tag}"),
        [HOST, namespace, model, tag] => format!("{namespace}/{model}:{tag}"),
        [host, namespace, model, tag] => format!("{host}/{namespace}/{model}:{tag}"),
        _ => return None,
    };
    // What cannot be asked for by this name again, such as `.DS_Store`, is no model.
    manifest_path(&name).is_some().then_some(name)
}

/// The file that a manifest leads to, or why it leads to none.
fn blob_of(folder: &Path, manifest: &Path) -> std::result::Result<PathBuf, String> {
    let mut text = Vec::new();
    std::fs::File::open(manifest)
        .and_then(|file| file.take(LARGEST_MANIFEST).read_to_end(&mut text))
        .map_err(|error| format!("its manifest {} cannot be read: {error}", manifest.display()))?;
    let parsed: Manifest = serde_json::from_slice(&text).map_err(|error| {
        format!("its manifest {} is damaged ({error}); pull it again", manifest.display())
    })?;
    if parsed.layers.iter().any(|layer| layer.media_type == ADAPTER_LAYER) {
        return Err(
            "it lays an adapter of its own over a model, which Kaizen would leave out".to_owned()
        );
    }
    let layer = parsed.layers.iter().find(|layer| layer.media_type == MODEL_LAYER);
    let Some(layer) = layer else {
        return Err(
            "its manifest names no GGUF file: it runs elsewhere, or is stored in another form"
                .to_owned(),
        );
    };
    let hex = layer.digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("its manifest {} is damaged; pull it again", manifest.display()));
    }
    let blobs = folder.join("blobs");
    let names = [format!("sha256-{hex}"), format!("sha256:{hex}")];
    let found = names.iter().map(|name| blobs.join(name)).find(|path| path.is_file());
    let Some(blob) = found else {
        let short = hex.get(..12).unwrap_or(hex);
        return Err(format!("its file (blob {short}…) is gone from ollama's store; pull it again"));
    };
    let bytes = std::fs::metadata(&blob).map(|about| about.len()).unwrap_or(0);
    match layer.size.filter(|size| *size != bytes) {
        Some(size) => Err(format!("its file has {bytes} of {size} bytes; pull it again")),
        None => Ok(blob),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEX: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn put(path: PathBuf, content: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn manifest(kind: &str, digest: &str, size: usize) -> String {
        serde_json::json!({
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": "sha256:c", "size": 1},
            "layers": [
                {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:t", "size": 2},
                {"mediaType": kind, "digest": digest, "size": size},
            ],
        })
        .to_string()
    }

    #[test]
    fn names_lead_to_blobs_and_what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let own = root.join("manifests").join(HOST);
        let digest = format!("sha256:{HEX}");
        put(own.join("library/smollm2/135m"), &manifest(MODEL_LAYER, &digest, 4));
        put(own.join("library/smollm2/latest"), &manifest(MODEL_LAYER, &digest, 4));
        put(own.join("me/mine/1b"), &manifest(MODEL_LAYER, &digest, 9));
        put(root.join("manifests/hf.co/owner/repo/Q4_K_M"), &manifest(MODEL_LAYER, &digest, 4));
        let gone = format!("sha256:{}", "b".repeat(64));
        put(own.join("library/gone/1b"), &manifest(MODEL_LAYER, &gone, 4));
        put(own.join("library/cloud/1b"), &manifest("application/x", &digest, 4));
        put(own.join("library/adapted/1b"), &manifest(ADAPTER_LAYER, &digest, 4));
        put(own.join("library/cut/1b"), "{\"layers\": [");
        put(own.join("library/odd/1b"), &manifest(MODEL_LAYER, "sha256:../../etc/passwd", 4));
        put(own.join("library/.DS_Store/x"), "");
        put(root.join("blobs").join(format!("sha256-{HEX}")), "GGUF");
        put(root.join("blobs").join(format!("sha256-{HEX}-partial")), "GG");
        put(root.join("blobs").join(format!("sha256-{HEX}-partial-0")), "GG");

        let store = OllamaStore { folders: vec![root.join("none"), root.to_path_buf()] };
        let models = store.models(&mut |path, error| panic!("{}: {error}", path.display()));
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "adapted:1b",
                "cloud:1b",
                "cut:1b",
                "gone:1b",
                "hf.co/owner/repo:Q4_K_M",
                "me/mine:1b",
                "odd:1b",
                "smollm2:135m",
                "smollm2:latest"
            ]
        );
        for model in &models {
            assert_eq!(store.locate(&model.name).is_ok(), model.blob.is_ok(), "{}", model.name);
        }
        let blob = root.join("blobs").join(format!("sha256-{HEX}"));
        assert_eq!(store.locate("smollm2").unwrap(), blob);
        assert_eq!(store.locate("hf.co/owner/repo:Q4_K_M").unwrap(), blob);
        let refused = |name: &str| store.locate(name).unwrap_err().to_string();
        assert!(refused("gone:1b").contains("ollama:gone:1b"));
        assert!(refused("gone:1b").contains("(blob bbbbbbbbbbbb…) is gone"));
        assert!(refused("me/mine:1b").contains("4 of 9 bytes"));
        assert!(refused("cloud:1b").contains("no GGUF file"));
        assert!(refused("adapted:1b").contains("an adapter of its own"));
        assert!(refused("cut:1b").contains("damaged"));
        assert!(refused("odd:1b").contains("damaged"));
        assert!(refused("llama9").contains("ollama pull llama9"));
        for name in ["", "../x", "a/b/c/d", "a b"] {
            assert!(refused(name).contains("no name of ollama's"), "{name}");
        }
        assert_eq!(store.unfinished().len(), 1);
    }
}
