package import Bulletins
import Foundation
import GRDB
package import Storage
import Synchronization

extension SQLiteStore: FeedStore {
    package func feedGeneration() throws(StoreError) -> Int64 { try feedGenerationReader.number() }

    package func feedEntries(_ source: FeedSource, _ start: FeedStart, limit: Int) async throws(StoreError)
        -> FeedListing?
    {
        try await read { try FeedReader(db: $0, source: source, start: start, limit: limit).listing() }
    }

    package func feedBulletins(_ entries: [FeedEntry]) async throws(StoreError) -> [FeedBulletin] {
        try await read { db in
            let rows = try db.rows(
                Self.feedBulletinRows + " WHERE b.id IN (SELECT value FROM json_each(?))",
                [jsonList(entries.map(\.bulletin))])
            let found = Dictionary(try rows.map { ($0["id"] as Int64, try $0.feedBulletin()) }) { first, _ in first }
            return entries.compactMap { found[$0.bulletin] }
        }
    }

    package func feedBulletin(_ id: BulletinID, revision: Int64) async throws(StoreError) -> FeedBulletin? {
        try await read { db in
            try db.row(
                Self.feedBulletinRows + " WHERE b.publisher = ? AND b.name = ? AND b.revision = ? AND b.in_feeds = 1",
                [id.publisher, id.id, revision])?.feedBulletin()
        }
    }

    private static let feedBulletinRows = """
        SELECT \(StoredBulletin.columns), iif(b.is_withdrawal, (SELECT p.payload FROM bulletins o
            JOIN payloads p ON p.bulletin = o.id WHERE o.publisher = b.publisher AND o.name = b.name
                AND o.revision < b.revision AND o.feed_place IS NOT NULL AND NOT o.is_withdrawal
            ORDER BY o.revision DESC LIMIT 1), NULL) AS withdrawn,
            (SELECT r.name FROM publishers r WHERE r.slug = b.publisher) AS publisher_name
        FROM bulletins b
        """

    package func publicRevisions(of id: BulletinID) async throws(StoreError) -> [PublicRevision] {
        try await read { db in
            try db.rows(
                """
                SELECT revision, received_at FROM bulletins
                WHERE publisher = ? AND name = ? AND feed_place IS NOT NULL ORDER BY revision
                """, [id.publisher, id.id]
            ).map { PublicRevision(revision: $0["revision"], receivedAt: $0.time("received_at")) }
        }
    }

    package func record(fetches: [Int64: Timestamp]) async throws(StoreError) {
        try await write { db in
            let update = try db.prepared("UPDATE endpoints SET fetched_at = ? WHERE id = ?")
            for (endpoint, time) in fetches { try update.run([time.milliseconds, endpoint]) }
        }
    }

    package func answer(to proposal: BulletinID) async throws(StoreError) -> Bulletin.Proposal? {
        try await read { try ProposalHistory.lastAnswer(to: proposal, $0) }
    }

    package func publicBulletin(_ id: BulletinID) async throws(StoreError) -> StoredBulletin? {
        try await read { db in
            try db.row(
                """
                SELECT \(StoredBulletin.columns) FROM bulletins b WHERE b.publisher = ? AND b.name = ?
                    AND b.state IN ('published', 'withdrawn', 'expired') ORDER BY b.revision DESC LIMIT 1
                """, [id.publisher, id.id])?.storedBulletin()
        }
    }
}

extension Row {
    fileprivate func feedBulletin() throws -> FeedBulletin {
        FeedBulletin(
            stored: try storedBulletin(), withdrawn: (self["withdrawn"] as Data?).map { [UInt8]($0) },
            publisherName: self["publisher_name"])
    }
}

/// Reads the number of changes of public feeds on the calling thread, by a connection of its own.
final class FeedGenerationReader: Sendable {
    private let statements: Mutex<Statements>

    init(path: String) throws(StoreFileError) { statements = Mutex(try Statements(path: path)) }

    func number() throws(StoreError) -> Int64 {
        try statements.withLock { statements throws(StoreError) in
            guard case .some(.some(let number)) = try statements.select.number() else {
                throw .unusable("the number of the feeds' changes is missing")
            }
            return number
        }
    }

    private struct Statements: ~Copyable {
        let select: DirectStatement
        private let connection: DirectConnection

        init(path: String) throws(StoreFileError) {
            let connection = try DirectConnection(path: path)
            select = try connection.prepare("SELECT number FROM feed_generation")
            self.connection = connection
        }
    }
}
