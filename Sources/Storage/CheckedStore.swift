/// What a look at the store itself asks of it.
package protocol CheckedStore: Sendable {
    /// Fails if the store cannot be used: its files were removed or replaced, or it cannot be written.
    func check() async throws(StoreError)
}
