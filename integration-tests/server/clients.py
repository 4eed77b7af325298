"""Clients of other services in Python, as they are: another base URL is all they are told. A line of JSON a client."""
import asyncio
import json
import os
import sys

url, key, model = sys.argv[1:]
pool = json.load(sys.stdin)
query, documents = pool["query"], pool["documents"]


def cohere_v1():
    import cohere

    found = cohere.Client(api_key=key, base_url=url).rerank(model=model, query=query, documents=documents, top_n=3)
    return [(one.index, one.relevance_score) for one in found.results]


def cohere_v2():
    import cohere

    found = cohere.ClientV2(api_key=key, base_url=url).rerank(model=model, query=query, documents=documents, top_n=3)
    return [(one.index, one.relevance_score) for one in found.results]


def cohere_v2_wrong_key():
    import cohere

    try:
        cohere.ClientV2(api_key="osk_live_none", base_url=url).rerank(model=model, query=query, documents=documents)
    except cohere.errors.UnauthorizedError as error:
        return error.status_code
    return None


def litellm_vllm():
    import litellm

    found = litellm.rerank(
        model="hosted_vllm/" + model, api_base=url, api_key=key, query=query, documents=documents, top_n=3
    )
    return [(one["index"], one["relevance_score"]) for one in found.results]


def litellm_cohere():
    import litellm

    found = litellm.rerank(
        model="cohere/" + model, api_base=url + "/v2/rerank", api_key=key, query=query, documents=documents, top_n=3
    )
    return [(one["index"], one["relevance_score"]) for one in found.results]


def litellm_jina():
    import litellm

    found = litellm.rerank(
        model="jina_ai/" + model, api_base=url + "/v1/rerank", api_key=key, query=query, documents=documents, top_n=3
    )
    return [(one["index"], one["relevance_score"]) for one in found.results]


def llama_index():
    from llama_index.core.schema import NodeWithScore, TextNode
    from llama_index.postprocessor.cohere_rerank import CohereRerank

    nodes = [NodeWithScore(node=TextNode(text=text, id_=str(i))) for i, text in enumerate(documents)]
    reranker = CohereRerank(api_key=key, base_url=url, model=model, top_n=3)
    return [(int(one.node.node_id), one.score) for one in reranker.postprocess_nodes(nodes, query_str=query)]


def langchain():
    import cohere
    from langchain_cohere import CohereRerank

    client = cohere.ClientV2(api_key=key, base_url=url)
    reranker = CohereRerank(client=client, model=model, top_n=3)
    return [(one["index"], one["relevance_score"]) for one in reranker.rerank(documents, query)]


def tei():
    # Hugging Face's client has no call for re-ranking: it is asked to post as to an endpoint of its own.
    from huggingface_hub import InferenceClient

    client = InferenceClient(headers={"Authorization": "Bearer " + key})
    session = __import__("huggingface_hub").get_session()
    answer = session.post(url + "/rerank", json={"query": query, "texts": documents}, headers=client.headers)
    return [(one["index"], one["score"]) for one in answer.json()][:3]


def infinity():
    from infinity_client import Client
    from infinity_client.api.default import rerank
    from infinity_client.models import RerankInput

    client = Client(base_url=url + "/infinity", headers={"Authorization": "Bearer " + key})
    found = rerank.sync(client=client, body=RerankInput(model=model, query=query, documents=documents, top_n=3))
    return [(one.index, one.relevance_score) for one in found.results]


def voyage():
    import voyageai

    client = voyageai.Client(api_key=key, base_url=url + "/voyage/v1")
    return [(one.index, one.relevance_score) for one in client.rerank(query, documents, model, top_k=3).results]


os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
for client in (
    cohere_v1, cohere_v2, cohere_v2_wrong_key, litellm_vllm, litellm_cohere, litellm_jina,
    llama_index, langchain, tei, infinity, voyage,
):
    try:
        print(json.dumps({"client": client.__name__, "found": client()}), flush=True)
    except Exception as error:
        print(json.dumps({"client": client.__name__, "error": f"{type(error).__name__}: {error}"[:500]}), flush=True)
