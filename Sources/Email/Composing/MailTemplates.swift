import Mustache

/// The templates of mails. `facts` are labelled lines; the footer per recipient comes after them.
struct MailTemplates: Sendable {
    let text: MustacheTemplate
    let html: MustacheTemplate
    let digestText: MustacheTemplate
    let digestHTML: MustacheTemplate
    let noticeText: MustacheTemplate
    let noticeHTML: MustacheTemplate

    init() throws {
        text = try MustacheTemplate(string: Self.textSource)
        html = try MustacheTemplate(string: Self.htmlSource)
        digestText = try MustacheTemplate(string: Self.digestTextSource)
        digestHTML = try MustacheTemplate(string: Self.digestHTMLSource)
        noticeText = try MustacheTemplate(string: "{{{title}}}\n\n{{{text}}}\n")
        noticeHTML = try MustacheTemplate(string: Self.noticeHTMLSource)
    }

    /// The start of every page, up to the end of its style, to which a template may add rules.
    private static let head = """
        <!DOCTYPE html>
        <html lang="{{language}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark"><title>{{title}}</title>
        <style>
        \(style)
        """

    private static let style = """
        body{margin:0;padding:20px 12px;overflow-wrap:anywhere;word-break:break-word;background:#f6f5f1;color:#1d1c1a;font:16px/1.55 -apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        main{max-width:600px;margin:0 auto;background:#fff;padding:24px 16px;border-radius:8px}
        .preview{display:none;max-height:0;overflow:hidden}pre{white-space:pre-wrap}img{max-width:100%}
        blockquote{margin:12px 0;padding-left:12px;border-left:3px solid #ddd8cd}
        .instruction{border-left:4px solid #b3261e;background:#fdecea;padding:12px;font-size:17px}
        h1{font-size:23px;line-height:1.3;margin:4px 0 12px}
        .kicker{font-size:13px;letter-spacing:.04em;text-transform:uppercase;color:#6b675f;margin:0}
        .emergency .kicker{color:#b3261e;font-weight:700}.summary{font-size:17px}
        .note{border-left:3px solid #c9a227;padding-left:12px}
        dl{margin:20px 0 0;padding-top:12px;border-top:1px solid #ddd8cd;font-size:14px}dt{color:#6b675f;margin-top:8px}dd{margin:0}
        footer{max-width:568px;margin:16px auto 0;padding:0 16px;font-size:14px;color:#6b675f}footer p{margin:0 0 12px}a{color:#14508c}
        @media (prefers-color-scheme:dark){body{background:#161513;color:#eceae4}main{background:#211f1c}.kicker,dt,footer{color:#a8a398}
        dl,blockquote{border-color:#3b3832}.instruction{background:#3a1d1b}a{color:#8fc1f2}.emergency .kicker{color:#ff8a80}}
        """

    private static let textSource = """
        {{{kicker}}}

        {{{title}}}

        {{#instruction}}
        {{{instructionLabel}}}: {{{.}}}

        {{/instruction}}
        {{#summary}}
        {{{.}}}

        {{/summary}}
        {{#note}}
        {{{noteLabel}}}: {{{.}}}

        {{/note}}
        {{#bodyText}}
        {{{.}}}

        {{/bodyText}}
        {{#more}}
        {{{.}}}

        {{/more}}
        {{#facts}}
        {{{label}}}: {{{value}}}{{#address}}{{{.}}}{{/address}}
        {{/facts}}

        """

    private static let htmlSource = """
        \(head)
        </style></head><body class="{{urgency}}"><div class="preview" style="display:none;max-height:0;overflow:hidden" aria-hidden="true" hidden>{{preview}}</div><main>
        <p class="kicker">{{kicker}}</p>
        <h1 lang="{{bulletinLanguage}}" dir="auto">{{title}}</h1>
        {{#instruction}}
        <p class="instruction" lang="{{bulletinLanguage}}" dir="auto"><strong>{{instructionLabel}}:</strong> {{.}}</p>
        {{/instruction}}
        {{#summary}}
        <p class="summary" lang="{{bulletinLanguage}}" dir="auto">{{.}}</p>
        {{/summary}}
        {{#note}}
        <p class="note" lang="{{bulletinLanguage}}" dir="auto"><strong>{{noteLabel}}:</strong> {{.}}</p>
        {{/note}}
        <div lang="{{bulletinLanguage}}" dir="auto">{{{bodyHTML}}}</div>
        <dl>
        {{#facts}}
        <dt>{{label}}</dt><dd>{{#url}}<a href="{{.}}">{{value}}</a>{{/url}}{{^url}}{{value}}{{/url}}</dd>
        {{/facts}}
        </dl></main>

        """

    private static let digestTextSource = """
        {{{title}}}
        {{{day}}} · {{{count}}}

        {{#groups}}
        == {{{region}}} · {{{field}}}

        {{#items}}
        * {{{title}}}
        {{#text}}
          {{{.}}}
        {{/text}}
          {{{meta}}}
          {{{url}}}

        {{/items}}
        {{/groups}}
        {{{why}}}
        {{{leaveLabel}}}: {{{leave}}}

        """

    private static let digestHTMLSource = """
        \(head)
        h2{font-size:16px;margin:28px 0 4px;padding-top:16px;border-top:1px solid #ddd8cd}h3{font-size:17px;line-height:1.35;margin:16px 0 2px}
        p{margin:2px 0}.meta{font-size:13px;color:#6b675f}@media (prefers-color-scheme:dark){h2{border-color:#3b3832}.meta{color:#a8a398}}
        </style></head><body><main>
        <p class="kicker">{{day}} · {{count}}</p>
        <h1>{{title}}</h1>
        {{#groups}}
        <h2>{{region}} · {{field}}</h2>
        {{#items}}
        <h3><a href="{{url}}">{{title}}</a></h3>
        {{#text}}
        <p>{{.}}</p>
        {{/text}}
        <p class="meta">{{meta}}</p>
        {{/items}}
        {{/groups}}
        </main><footer><p>{{why}}</p><p><a href="{{leave}}">{{leaveLabel}}</a></p></footer></body></html>

        """

    private static let noticeHTMLSource = """
        \(head)
        </style></head><body><main><h1>{{title}}</h1>
        {{#paragraphs}}
        <p>{{.}}</p>
        {{/paragraphs}}
        </main></body></html>

        """
}
