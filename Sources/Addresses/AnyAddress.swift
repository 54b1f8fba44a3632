/// An address of any channel, as somebody typed it.
public enum AnyAddress {
    /// The one spelling of a mail address or a URL; anything else, such as a feed's name, comes back as it is.
    public static func canonical(_ text: String) -> String {
        (try? MailAddress(text))?.description ?? WebAddress.canonical(text)
    }
}
