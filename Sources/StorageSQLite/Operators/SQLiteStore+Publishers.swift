package import Bulletins
import Foundation
import GRDB
package import Storage

extension SQLiteStore {
    package func identity() async throws(StoreError) -> String {
        let known = try await read {
            try String.fetchOne($0, sql: "SELECT value FROM settings WHERE name = 'identity'")
        }
        if let known { return known }
        let made = UUID().uuidString.lowercased().prefix(8)
        return try await write { db in
            try db.run("INSERT OR IGNORE INTO settings (name, value) VALUES ('identity', ?)", [String(made)])
            return try String.fetchOne(db, sql: "SELECT value FROM settings WHERE name = 'identity'") ?? String(made)
        }
    }

    package func save(_ publishers: [Publisher], now: Timestamp) async throws(StoreError) {
        try await write { db in
            for publisher in publishers {
                try db.run(
                    """
                    INSERT INTO publishers (slug, name, amqp_user, kinds, regions, fields, emergency, moderated, created_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (slug) DO UPDATE SET name = excluded.name, amqp_user = excluded.amqp_user,
                        kinds = excluded.kinds, regions = excluded.regions, fields = excluded.fields,
                        emergency = excluded.emergency, moderated = excluded.moderated
                    """,
                    [
                        publisher.slug, publisher.name, publisher.amqpUser, publisher.scope.kinds.mask,
                        publisher.scope.regions.codes,
                        publisher.scope.fields.map(\.description).joined(separator: " "),
                        publisher.scope.mayPublishEmergencies,
                        publisher.isModerated, now.milliseconds,
                    ])
            }
            // Feeds tell publishers' names.
            try FeedItems.change(db, now: now)
        }
    }

    package func publishers(after slug: String, limit: Int) async throws(StoreError) -> [Publisher] {
        try await read { db in
            try db.rows("SELECT * FROM publishers WHERE slug > ? ORDER BY slug LIMIT ?", [slug, limit]).map {
                try $0.publisher()
            }
        }
    }

    package func removePublisher(_ slug: String, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { db in
            try db.run("DELETE FROM publishers WHERE slug = ?", [slug])
            guard db.changesCount == 1 else { return false }
            try FeedItems.change(db, now: now)
            return true
        }
    }
}

extension Row {
    /// The publisher of a row of `publishers`.
    func publisher() throws -> Publisher {
        let fields: String = self["fields"]
        return Publisher(
            slug: self["slug"], name: self["name"], amqpUser: self["amqp_user"],
            scope: .init(
                kinds: Set(mask: self["kinds"]), regions: regions("regions"),
                fields: fields.split(separator: " ").compactMap { FieldFilter(String($0)) },
                mayPublishEmergencies: self["emergency"]),
            isModerated: self["moderated"])
    }
}
