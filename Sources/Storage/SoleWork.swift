package import Bulletins

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

package protocol SoleWorkStore: Sendable {
    /// Makes `owner` the one that does the work until `until`, or prolongs that; false if another has it still.
    func claim(_ work: SoleWork, by owner: String, until: Timestamp, now: Timestamp) async throws(StoreError) -> Bool

    /// Gives the work back, if `owner` has it.
    func release(_ work: SoleWork, by owner: String) async throws(StoreError)
}
