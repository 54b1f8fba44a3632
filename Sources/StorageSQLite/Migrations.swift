import GRDB
import Storage

/// The schema's versions, each a frozen file. `PRAGMA user_version` says how many were applied.
enum Migrations {
    private static let all: [[UInt8]] = [
        PackageResources._01_initial_sql, PackageResources._02_short_rows_sql,
        PackageResources._03_engine_sql, PackageResources._04_bounces_sql, PackageResources._05_feeds_sql,
        PackageResources._06_webhooks_sql, PackageResources._07_websub_sql,
        PackageResources._14_publisher_users_sql,
    ]

    static func apply(to pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { db in
            let applied = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard applied <= all.count else {
                throw StoreError.unusable(
                    "it is of version \(applied), and this program knows up to \(all.count); use the newer program")
            }
            for number in applied..<all.count {
                try db.inTransaction(.exclusive) {
                    try db.execute(sql: String(decoding: all[number], as: UTF8.self))
                    try db.execute(sql: "PRAGMA user_version = \(number + 1)")
                    return .commit
                }
            }
        }
    }
}
