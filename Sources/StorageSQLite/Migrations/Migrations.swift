import Addresses
package import GRDB
import Storage

/// The schema's versions, each a frozen file. `PRAGMA user_version` says how many were applied.
package enum Migrations {
    private static let all: [[UInt8]] = [
        PackageResources._01_initial_sql, PackageResources._02_short_rows_sql,
        PackageResources._03_engine_sql, PackageResources._04_bounces_sql, PackageResources._05_feeds_sql,
        PackageResources._06_webhooks_sql, PackageResources._07_websub_sql,
        PackageResources._08_numbers_sql, PackageResources._09_mail_failures_sql,
        PackageResources._10_hub_owners_sql, PackageResources._11_publisher_users_sql,
        PackageResources._12_held_sql,
        PackageResources._16_addresses_sql,
        PackageResources._17_clocks_sql,
        PackageResources._18_threads_sql,
    ]

    /// The newest version.
    package static var count: Int { all.count }

    /// Brings a store to the newest version, or as far as `last`.
    package static func apply(to pool: DatabasePool, upTo last: Int = count) throws {
        try pool.writeWithoutTransaction { db in
            let applied = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard applied <= all.count else {
                throw StoreError.unusable(
                    "it is of version \(applied), and this program knows up to \(all.count); use the newer program")
            }
            guard applied < last else { return }
            // A migration that builds a table anew drops the one that others refer to, which an enforced key refuses.
            // SQLite ignores the pragma within a transaction.
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            defer { try? db.execute(sql: "PRAGMA foreign_keys = ON") }
            db.add(function: canonicalAddress)
            defer { db.remove(function: canonicalAddress) }
            for number in applied..<last {
                try db.inTransaction(.exclusive) {
                    try db.execute(sql: String(decoding: all[number], as: UTF8.self))
                    if rebuilding.contains(number + 1) { try db.checkForeignKeys() }
                    try db.execute(sql: "PRAGMA user_version = \(number + 1)")
                    return .commit
                }
            }
        }
    }

    /// The one spelling of an address, for migrations alone: no index and no trigger may need it.
    private static let canonicalAddress = DatabaseFunction("canonical_address", argumentCount: 1, pure: true) {
        String.fromDatabaseValue($0[0]).map(AnyAddress.canonical)
    }

    /// The versions that build a table anew. The others leave all references as they are, and looking through all rows
    /// of a large store takes a while.
    private static let rebuilding: Set<Int> = [3]
}
