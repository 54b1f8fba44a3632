import Foundation

extension Error {
    /// What people read of this error. Errors of this program and of NIO say it themselves; those of Foundation print their
    /// domain and code, and hide the reason in a text for dialogs.
    package var spoken: String {
        let text = String(describing: self)
        guard self is CocoaError || self is URLError || self is POSIXError || text.hasPrefix("Error Domain=") else {
            return text
        }
        return localizedDescription
    }
}
