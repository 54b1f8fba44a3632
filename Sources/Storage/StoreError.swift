/// Why a store could not do what it was asked for.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process holds the database, and did not release it in time.
    case busy(String)
    /// The disk is full or failed; nothing was committed.
    case unavailable(String)
    /// Its files were removed or replaced while they were open; nothing may be written to them any more.
    case lost(String)
    /// The file cannot be opened, is of a newer version, or damaged.
    case unusable(String)
    /// A program's mistake: a statement that the database refuses.
    case failed(String)
    /// Another worker has taken the duty over, so that a write of its former holder was refused.
    case superseded(Duty)
    case cancelled

    package var description: String {
        switch self {
        case .busy(let detail): "the store is locked by another process: \(detail); it is tried again"
        case .unavailable(let detail):
            "the store cannot be written: \(detail); free space or mend the disk, until then everything waits"
        case .lost(let detail): "the store is lost: \(detail)"
        case .unusable(let detail): "the store cannot be opened: \(detail)"
        case .failed(let detail): "the store refused a statement: \(detail); please report this"
        case .superseded(let duty): "another worker has taken over the duty '\(duty.rawValue)'; this one stands by"
        case .cancelled: "cancelled"
        }
    }
}

extension StoreError {
    /// Whether the whole store has the trouble, whichever stage meets it first.
    package var isOfTheStore: Bool {
        switch self {
        case .lost, .unavailable: true
        case .busy, .unusable, .failed, .superseded, .cancelled: false
        }
    }
}

/// Why a file of a store cannot be used.
package struct StoreFileError: Error {
    package let path: String
    package let reason: String

    package init(path: String, reason: String) { (self.path, self.reason) = (path, reason) }
}
