import GRDBSQLite
import Storage
import Synchronization

/// A connection of its own that reads, without a hop to another thread, whether a delivery may still be sent.
final class HaltReader: Sendable {
    private let statements: Mutex<Statements>

    init(path: String) throws(SQLiteStoreOpenError) { statements = Mutex(try Statements.open(path)) }

    func halt(of delivery: ClaimedDelivery, owner: LeaseOwner) throws(StoreError) -> DeliveryHalt? {
        try statements.withLock { statements throws(StoreError) in
            guard try statements.number() != delivery.haltNumber else { return nil }
            return try statements.halt(of: delivery, owner: owner)
        }
    }

    /// Ends with the reader; nothing else has its pointers.
    private struct Statements: ~Copyable {
        private let connection: OpaquePointer
        private let selectNumber: OpaquePointer
        private let selectHalt: OpaquePointer

        private init(_ connection: OpaquePointer, _ selectNumber: OpaquePointer, _ selectHalt: OpaquePointer) {
            (self.connection, self.selectNumber, self.selectHalt) = (connection, selectNumber, selectHalt)
        }

        /// A failure leaves the connection open, with which the program then ends.
        static func open(_ path: String) throws(SQLiteStoreOpenError) -> Statements {
            var opened: OpaquePointer?
            guard sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil) == SQLITE_OK,
                let opened
            else { throw SQLiteStoreOpenError(path: path, reason: "it cannot be read") }
            sqlite3_busy_timeout(opened, 10_000)
            return Statements(
                opened, try prepare("SELECT number FROM halts", opened, path),
                try prepare(
                    """
                    SELECT \(Halts.sql) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint
                        JOIN subscriptions s ON s.id = d.subscription JOIN bulletins b ON b.id = d.bulletin
                    WHERE d.id = ? AND d.state = 'sending' AND d.lease_owner = ? AND d.attempts = ?
                    """, opened, path))
        }

        deinit {
            sqlite3_finalize(selectNumber)
            sqlite3_finalize(selectHalt)
            sqlite3_close_v2(connection)
        }

        private static func prepare(_ sql: String, _ connection: OpaquePointer, _ path: String)
            throws(SQLiteStoreOpenError) -> OpaquePointer
        {
            var made: OpaquePointer?
            guard sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil) == SQLITE_OK,
                let made
            else { throw SQLiteStoreOpenError(path: path, reason: String(cString: sqlite3_errmsg(connection))) }
            return made
        }

        func number() throws(StoreError) -> Int64 {
            defer { sqlite3_reset(selectNumber) }
            guard sqlite3_step(selectNumber) == SQLITE_ROW else { throw failure() }
            return sqlite3_column_int64(selectNumber, 0)
        }

        func halt(of delivery: ClaimedDelivery, owner: LeaseOwner) throws(StoreError) -> DeliveryHalt? {
            defer { sqlite3_reset(selectHalt) }
            guard delivery.number.bind(to: selectHalt, at: 1) == SQLITE_OK,
                owner.name.bind(to: selectHalt, at: 2) == SQLITE_OK,
                delivery.attempt.bind(to: selectHalt, at: 3) == SQLITE_OK
            else { throw failure() }
            switch sqlite3_step(selectHalt) {
            case SQLITE_ROW:
                guard sqlite3_column_type(selectHalt, 0) != SQLITE_NULL else { return nil }
                return DeliveryHalt(rawValue: Int(sqlite3_column_int64(selectHalt, 0)))
            case SQLITE_DONE: return .lost
            default: throw failure()
            }
        }

        private func failure() -> StoreError { .unavailable(String(cString: sqlite3_errmsg(connection))) }
    }
}
