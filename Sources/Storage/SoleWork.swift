/// Work that one worker at a time does.
package enum SoleWork: String, Sendable {
    /// So that receipts leave in order and once.
    case outbox
    case notices
    case retention
    /// Asking callbacks whether they want what was asked for them.
    case hub
    /// Bringing back what a clock that was ahead has written.
    case clock
}
