package import GRDB
import Storage

/// The versions of the schema, each a frozen file. `PRAGMA user_version` tells which one a store has.
package enum Migrations {
    private static let all: [[UInt8]] = [PackageResources._01_initial_sql, PackageResources._02_narrow_rows_sql]

    /// The last version of the builds before the first release. Their stores have other tables, so the numbering goes on
    /// from there instead of beginning anew.
    private static let unreleased = 15

    /// The newest version.
    package static var newest: Int { unreleased + all.count }

    /// Brings a store to the newest version, or to an earlier one for a test of the steps from there.
    package static func apply(to pool: DatabasePool, upTo version: Int = newest) throws {
        try pool.writeWithoutTransaction { db in
            let (applied, wanted) = (try appliedFiles(to: db), version - unreleased)
            guard applied < wanted else { return }
            // A migration that rebuilds a table drops one that others refer to, which an enforced key refuses. SQLite
            // ignores the pragma within a transaction.
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            defer { try? db.execute(sql: "PRAGMA foreign_keys = ON") }
            for number in applied..<wanted {
                try db.inTransaction(.exclusive) {
                    try db.execute(sql: String(decoding: all[number], as: UTF8.self))
                    try db.execute(sql: "PRAGMA user_version = \(unreleased + number + 1)")
                    return .commit
                }
            }
        }
    }

    /// How many of the files the store has; none of them if it is new.
    private static func appliedFiles(to db: Database) throws -> Int {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        try requireUsable(version)
        return max(0, version - unreleased)
    }

    /// Throws if the store at `path` is of a version that this program cannot use. It reads without writing; opening a pool
    /// already writes to the file. An error that is not about the version is left to the pool.
    static func requireUsable(_ path: String) throws {
        guard let version = try? DirectConnection(path: path).prepare("PRAGMA user_version").number(),
            let version
        else { return }
        try requireUsable(Int(version))
    }

    private static func requireUsable(_ version: Int) throws {
        if (1...unreleased).contains(version) {
            throw StoreError.unusable(
                """
                it was made by an unreleased build (version \(version)), which no release reads; move it away with its \
                key and make a new store by 'kentongan store migrate'
                """)
        }
        if version > newest {
            throw StoreError.unusable(
                "it is of version \(version), and this program knows up to \(newest); use the newer program")
        }
    }
}
