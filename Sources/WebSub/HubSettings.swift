package import Storage

/// The settings of the WebSub hub.
package struct HubSettings: Sendable {
    /// The address under which the world reaches the portal, without a slash at its end. Topics begin with it.
    package var publicURL: String
    package var limits = HubLimits()

    package init(publicURL: String) { self.publicURL = publicURL }
}
