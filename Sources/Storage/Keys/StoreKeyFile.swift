import Foundation
import Glibc

/// A store's key in a file that only its owner may read.
///
/// The key and the database belong together. A database without its key is an error: a new key would make every webhook's
/// secret and every link in mails worthless. A key without its database is an error too: the database was deleted, or is
/// elsewhere, and a new one would know no publisher.
package struct StoreKeyFile: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Reads the key. A new store's key is made of 32 random bytes. `hasContent` tells whether the database `database` has
    /// been begun; the caller holds the lock under which it is begun.
    package func key(of database: String, hasContent: Bool) throws(StoreFileError) -> StoreKey {
        let isThere = FileManager.default.fileExists(atPath: path)
        if !isThere, hasContent {
            throw StoreFileError(
                path: path, reason: "it is missing, and \(database) is of no use without it; restore it from the backup"
            )
        }
        if isThere, !hasContent {
            throw StoreFileError(
                path: database,
                reason:
                    "it is missing, though its key \(path) is there; restore it from the backup, or remove the key to begin a new store"
            )
        }
        if !isThere { try make() }
        return try read()
    }

    /// Reads a key that is there.
    package func read() throws(StoreFileError) -> StoreKey {
        guard let data = FileManager.default.contents(atPath: path), let key = StoreKey(bytes: [UInt8](data)) else {
            throw StoreFileError(path: path, reason: "it does not hold a key of \(StoreKey.size) bytes")
        }
        return key
    }

    /// Makes the file, whole or not at all. Of two processes the first one wins.
    private func make() throws(StoreFileError) {
        let draft = "\(path).\(UUID().uuidString)"
        defer { unlink(draft) }
        let bytes = (0..<StoreKey.size).map { _ in UInt8.random(in: 0 ... .max) }
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0, write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0, close(file) == 0,
            link(draft, path) == 0 || errno == EEXIST
        else { throw StoreFileError(path: path, reason: String(cString: strerror(errno))) }
    }
}
