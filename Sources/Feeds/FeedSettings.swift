/// The settings of the feeds, shared by the portal and the hub.
package struct FeedSettings: Sendable {
    /// The address under which the world reaches the portal, without a slash at its end. Links begin with it.
    package var publicURL: String
    /// The most bytes that rendered feeds may take in memory.
    package var cacheSize = 64 << 20

    package init(publicURL: String) { self.publicURL = publicURL }
}
