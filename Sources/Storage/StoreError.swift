/// What a store could not do.
package enum StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process holds the database, and did not let go in time.
    case busy(String)
    /// The disk is full or failed; nothing was committed.
    case unavailable(String)
    /// Its files were removed or replaced while they were open; nothing may be written to them any more.
    case lost(String)
    /// The file cannot be opened, is of a newer version, or damaged.
    case unusable(String)
    /// A program's mistake: a statement that the database refuses.
    case failed(String)
    case cancelled

    package var description: String {
        switch self {
        case .busy(let detail): "the store is locked by another process: \(detail); it is tried again"
        case .unavailable(let detail):
            "the store cannot be written: \(detail); free space or mend the disk, until then everything waits"
        case .lost(let detail): "the store is lost: \(detail)"
        case .unusable(let detail): "the store cannot be opened: \(detail)"
        case .failed(let detail): "the store refused a statement: \(detail); please report this"
        case .cancelled: "cancelled"
        }
    }
}

extension StoreError {
    /// Whether it is a trouble of the whole store, whichever stage meets it.
    package var isOfTheStore: Bool {
        switch self {
        case .lost, .unavailable: true
        case .busy, .unusable, .failed, .cancelled: false
        }
    }
}
