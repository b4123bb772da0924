#![allow(clippy::unwrap_used)]
use super::*;

fn refused(path: &Path, person: Option<&Path>, kaizen: Option<&Path>) -> WorkspaceError {
    Workspace::open_for(path, person, kaizen).unwrap_err()
}

// If this fails, a slip of a model can reach everything that a person has, or Kaizen's own records.
#[test]
fn a_folder_that_is_too_much_is_refused_with_what_to_do() {
    let all = tempfile::tempdir().unwrap();
    let all = std::fs::canonicalize(all.path()).unwrap();
    let folder = |name: &str| {
        let path = all.join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let (person, work) = (folder("home/me"), folder("home/me/desk"));
    let (kaizen, logs) = (folder("home/me/data/kaizen"), folder("home/me/data/kaizen/logs"));
    std::fs::write(work.join("file"), "").unwrap();
    let open = |path: &Path| Workspace::open_for(path, Some(&person), Some(&kaizen));
    assert_eq!(open(&work).unwrap().root(), work);
    let refused = |path: &Path| refused(path, Some(&person), Some(&kaizen));
    assert!(matches!(refused(&work.join("gone")), WorkspaceError::Missing(_)));
    assert!(matches!(refused(&work.join("file")), WorkspaceError::NotAFolder(_)));
    assert!(matches!(refused(Path::new("/")), WorkspaceError::WholeMachine));
    assert!(matches!(
        refused(&work.join("../../../../../../../../..")),
        WorkspaceError::WholeMachine
    ));
    for path in [&person, &all, &all.join("home"), &work.join("..")] {
        let error = refused(path);
        assert!(matches!(error, WorkspaceError::PersonsHome(_)), "{path:?} {error}");
        assert!(error.to_string().contains("choose a folder in it"));
    }
    for path in [&kaizen, &logs, &all.join("home/me/data")] {
        let error = refused(path);
        assert!(matches!(error, WorkspaceError::KaizenHome { .. }), "{path:?} {error}");
    }
    #[cfg(unix)]
    {
        let link = work.join("link");
        std::os::unix::fs::symlink(&person, &link).unwrap();
        assert!(matches!(refused(&link), WorkspaceError::PersonsHome(_)));
    }
}

// If this fails, a model is told that a file which it names rightly does not exist.
#[test]
fn paths_are_understood_as_models_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let root = workspace.root().display();
    for (text, expected) in [
        ("a", "a"),
        ("./a", "a"),
        (" a b.txt ", "a b.txt"),
        ("docs/../a", "a"),
        ("docs//b/", "docs/b"),
        (".", "."),
        ("./", "."),
        ("docs/..", "."),
        (&format!("{root}/docs/a"), "docs/a"),
        (&format!("{root}"), "."),
        (&format!("{root}/"), "."),
        (".hidden", ".hidden"),
        ("-rf", "-rf"),
        ("..a", "..a"),
    ] {
        assert_eq!(workspace.relative(text), Ok(PathBuf::from(expected)), "{text}");
    }
}

// If this fails, an observation or the grammar of paths leaves out what a person sees in the folder, or
// names what no tool can use.
#[test]
fn a_listing_has_the_nearest_first_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("b/c/d/e/f")).unwrap();
    std::fs::create_dir_all(folder.path().join(".git")).unwrap();
    for (name, text) in
        [("z.txt", "four"), ("b/a.txt", "12"), (".git/x", ""), (".env", ""), ("b/c/d/e/f/deep", "")]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let listing = workspace.listing(100);
    let shown: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.is_folder, entry.bytes))
        .collect();
    let expected = [
        ("b", true, 0),
        ("z.txt", false, 4),
        ("b/a.txt", false, 2),
        ("b/c", true, 0),
        ("b/c/d", true, 0),
        ("b/c/d/e", true, 0),
    ];
    assert_eq!(shown, expected);
    assert_eq!(listing.remark().unwrap(), "there is more in the deeper folders");
    let listing = workspace.listing(1);
    assert_eq!((listing.entries.len(), listing.left_out, listing.is_cut), (1, 1, true));
    assert_eq!(listing.remark().unwrap(), "and more than 1 more");
    let empty = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(empty.path(), None).unwrap();
    assert_eq!(workspace.listing(5).remark(), None);
}

// If this fails, a person is not told which of their files an action changed.
#[test]
fn changes_are_seen_whatever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("old/deep")).unwrap();
    std::fs::create_dir_all(path(".git")).unwrap();
    for name in ["kept", "changed", "same size", "gone", "old/deep/a", ".env", ".git/index"] {
        std::fs::write(path(name), "1234").unwrap();
    }
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let before = workspace.snapshot();
    assert!(before.is_whole());
    assert_eq!(workspace.changes_since(&before), []);
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(path("changed"), "12345").unwrap();
    std::fs::write(path("same size"), "4321").unwrap();
    std::fs::write(path(".git/index"), "12345").unwrap();
    std::fs::remove_file(path("gone")).unwrap();
    std::fs::remove_file(path(".env")).unwrap();
    std::fs::remove_dir_all(path("old")).unwrap();
    std::fs::write(path("old"), "now a file").unwrap();
    std::fs::create_dir(path("new")).unwrap();
    std::fs::write(path("new/file"), "").unwrap();
    let changes = workspace.changes_since(&before);
    let told: Vec<_> =
        changes.iter().map(|one| format!("{} {}", one.how.as_str(), one.path.display())).collect();
    let expected = [
        "removed .env",
        "modified changed",
        "removed gone",
        "created new",
        "created new/file",
        "modified old",
        "removed old/deep",
        "removed old/deep/a",
        "modified same size",
    ];
    assert_eq!(told, expected);
}

// If this fails, pictures of the screen are left in the folder for temporary files.
#[test]
fn what_belongs_to_the_task_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path(), None).unwrap();
    let temporary = workspace.temporary().to_path_buf();
    std::fs::write(temporary.join("a.png"), "x").unwrap();
    assert!(!temporary.starts_with(workspace.root()));
    drop(workspace);
    assert!(!temporary.exists());
}
