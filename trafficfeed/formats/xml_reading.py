"""XML as it may come from anybody: parsed without entities, network or giant trees, with paths a person can follow."""

from lxml import etree

from trafficfeed.formats.records import refuse

Element = etree._Element


def read_xml(data: bytes) -> Element:
    """Return the root element of a document, its comments and processing instructions left out.

    Raises
    ------
    FeedNonConformant
        If it is not well-formed, or bears a document type: entities are how XML is turned against its reader.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        refuse(f"the document is not XML ({error})")
    if root.getroottree().docinfo.internalDTD is not None:
        refuse("the document has a DOCTYPE, which no feed needs", mend="leave it out")
    return root


def path_of(element: Element) -> str:
    """Return a path of local names from below the root, counted from 1 among like siblings: ``incident[3]/polyline``.

    An only child has no number. Looks at all siblings: a reader of many records numbers those itself.
    """
    steps: list[str] = []
    at = element
    while (parent := at.getparent()) is not None:
        like = [child for child in parent if child.tag == at.tag]
        number = f"[{like.index(at) + 1}]" if len(like) > 1 else ""
        steps.append(f"{local_name(at)}{number}")
        at = parent
    return "/".join(reversed(steps)) or local_name(element)


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def text_at(element: Element, path: str, namespaces: dict[str, str] | None = None) -> str | None:
    """Return the stripped text of the first element at `path` (``find`` syntax); None where there is none."""
    found = element.find(path, namespaces)
    return None if found is None else (found.text or "").strip()
