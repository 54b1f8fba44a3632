import Storage
import Synchronization

/// Reads, without a hop to another thread, how often public feeds were changed.
final class FeedGenerationReader: Sendable {
    private let statements: Mutex<Statements>

    init(path: String) throws(SQLiteStoreOpenError) { statements = Mutex(try Statements(path: path)) }

    func number() throws(StoreError) -> Int64 {
        try statements.withLock { statements throws(StoreError) in
            guard case .some(.some(let number)) = try statements.select.number() else {
                throw .unusable("the number of the feeds' changes is missing")
            }
            return number
        }
    }

    /// Nothing else has its connection.
    private struct Statements: ~Copyable {
        let select: DirectStatement
        private let connection: DirectConnection

        init(path: String) throws(SQLiteStoreOpenError) {
            let connection = try DirectConnection(path: path)
            select = try connection.prepare("SELECT number FROM feed_generation")
            self.connection = connection
        }
    }
}
